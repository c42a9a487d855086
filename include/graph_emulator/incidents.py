"""What goes wrong in a day: password sprays, impossible travel, leaked credentials and the rest.

An incident is told once and seen twice: as sign-ins, and as a risk detection that refers to them
by `requestId` and `correlationId`.
"""

import random
from dataclasses import dataclass
from functools import lru_cache

from include.graph_emulator import ticks
from include.graph_emulator.company import Company, Device, Person, guid
from include.graph_emulator.office_hours import expected
from include.graph_emulator.sites import Place


@dataclass(frozen=True)
class Step:
    """A version of a detection: `lastUpdatedDateTime`, when it becomes visible, what it says."""

    updated: int
    visible: int
    state: str
    level: str
    detail: str


@dataclass(frozen=True)
class Attempt:
    """A sign-in of an incident; `error` 0 is a success."""

    id: str
    correlation: str
    at: int
    person: Person
    ip: str
    place: Place
    device: Device
    error: int


@dataclass(frozen=True)
class Incident:
    """A detection with its versions, oldest first, and the sign-in behind it."""

    id: str
    kind: str
    timing: str
    attempt: Attempt
    with_sign_in: bool
    detected: int
    steps: tuple[Step, ...]


ABROAD = (
    Place("Lagos", "Lagos", "NG", 6.52440, 3.37920),
    Place("Hà Nội", "Ha Noi", "VN", 21.02780, 105.83420),
    Place("Novosibirsk", "Novosibirskaya Oblast'", "RU", 55.00840, 82.93570),
    Place("Bucuresti", "Bucuresti", "RO", 44.42680, 26.10250),
    Place("Amsterdam", "Noord-Holland", "NL", 52.36760, 4.90410),
)
_UNKNOWN = Device(
    "", "", "Linux", "Chrome 98.0.4758", "", False, False,
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0.4758.82",
)  # fmt: skip
_SCRIPT = Device("", "", "", "Python Requests 2.31", "", False, False, "python-requests/2.31.0")

_KINDS = (
    # riskEventType, weight, timing, level, has a sign-in
    ("unfamiliarFeatures", 30, "realtime", "low", True),
    ("anonymizedIPAddress", 12, "realtime", "medium", True),
    ("unlikelyTravel", 8, "offline", "medium", True),
    ("mcasImpossibleTravel", 4, "offline", "medium", True),
    ("maliciousIPAddress", 6, "offline", "high", True),
    ("leakedCredentials", 3, "offline", "high", False),
    ("passwordSpray", 6, "offline", "high", True),
    ("anomalousToken", 4, "realtime", "medium", True),
    ("newCountry", 5, "nearRealtime", "low", True),
    ("suspiciousIPAddress", 2, "offline", "low", True),
    ("generic", 1, "offline", "hidden", True),
)
_ENDS = (
    ("dismissed", "aiConfirmedSigninSafe", 30),
    ("remediated", "userPassedMFADrivenByRiskBasedPolicy", 25),
    ("remediated", "userPerformedSecuredPasswordReset", 10),
    ("remediated", "userPerformedSecuredPasswordChange", 8),
    ("dismissed", "adminDismissedAllRiskForUser", 8),
    ("confirmedSafe", "adminConfirmedSigninSafe", 4),
    ("confirmedCompromised", "adminConfirmedSigninCompromised", 4),
)


def _detected(draw: random.Random, at: int, timing: str) -> int:
    """When it was detected: at once, or up to 48 hours later (documented, observed 19.9 h)."""
    if timing == "realtime":
        return at
    longest = ticks.HOUR * (2 if timing == "nearRealtime" else 46)
    return at + int(draw.triangular(ticks.MINUTE, longest, longest * 0.2))


def _steps(draw: random.Random, detected: int, timing: str, level: str) -> tuple[Step, ...]:
    """The versions: real time surfaces in 5 to 10 minutes (documented); a state may change later.

    Observed: last updated 131 to 178 s after detection, half of them dismissed by then.
    """
    updated = detected + draw.randrange(131 * ticks.SECOND, 178 * ticks.SECOND)
    visible = detected + draw.randrange(5 * ticks.MINUTE, 10 * ticks.MINUTE)
    if timing == "offline" and draw.random() < 0.2:
        visible += draw.randrange(10 * ticks.MINUTE, 40 * ticks.HOUR)
    end, detail, _ = draw.choices(_ENDS, [weight for *_, weight in _ENDS])[0]
    if timing == "realtime" and draw.random() < 0.5:
        return (Step(updated, visible, end, level, detail),)
    found = [Step(updated, visible, "atRisk", level, "none")]
    if level == "low" and draw.random() < 0.3:
        updated += draw.randrange(ticks.HOUR, 12 * ticks.HOUR)
        level = "medium"
        found.append(_later(draw, found[-1], updated, "atRisk", level, "none"))
    if draw.random() < 0.75:
        updated += draw.randrange(10 * ticks.MINUTE, 9 * ticks.DAY)
        found.append(_later(draw, found[-1], updated, end, level, detail))
    return tuple(found)


def _later(
    draw: random.Random, before: Step, updated: int, state: str, level: str, detail: str
) -> Step:
    visible = max(updated, before.visible) + draw.randrange(20 * ticks.SECOND, 5 * ticks.MINUTE)
    return Step(updated, visible, state, level, detail)


def _incident(draw: random.Random, people: Company, at: int, kind: str) -> Incident:
    _, _, timing, level, with_sign_in = next(row for row in _KINDS if row[0] == kind)
    person = draw.choice(people.people)
    place = draw.choice(ABROAD)
    ip = f"198.18.{draw.randrange(100, 200)}.{draw.randrange(1, 255)}"
    device = draw.choice((_UNKNOWN, person.phone, person.devices[0]))
    error = draw.choice((0, 0, 0, 50126, 50053, 53003))
    attempt = Attempt(guid(draw), guid(draw), at, person, ip, place, device, error)
    detected = _detected(draw, at, timing)
    steps = _steps(draw, detected, timing, level)
    return Incident(
        f"{draw.getrandbits(256):064x}", kind, timing, attempt, with_sign_in, detected, steps
    )


def _spray(draw: random.Random, people: Company, day: int, size: int) -> list[Attempt]:
    """Failed passwords for many people from one network within an hour, and a few that worked."""
    begin = day + draw.randrange(22 * ticks.HOUR)
    network = f"198.18.{draw.randrange(200, 250)}"
    place = draw.choice(ABROAD)
    found = []
    for person in draw.sample(people.people, min(size, len(people.people))):
        at = begin + draw.randrange(ticks.HOUR)
        ip = f"{network}.{draw.randrange(1, 20)}"
        error = draw.choices((50126, 50053, 0), (95, 4, 1))[0]
        found.append(Attempt(guid(draw), guid(draw), at, person, ip, place, _SCRIPT, error))
    return found


@lru_cache(maxsize=1024)
def incidents(seed: int, people: Company, hour: int, per_day: float) -> tuple[Incident, ...]:
    """The incidents whose activity lies in the UTC hour that starts at `hour` (ticks)."""
    draw = random.Random(f"{seed} {people.tenant} incidents {hour}")
    mean = expected(per_day * 0.7, hour, ticks.HOUR) + per_day * 0.3 / 24
    count = int(mean) + (draw.random() < mean % 1)
    found = []
    for _ in range(count):
        kind = draw.choices([row[0] for row in _KINDS], [row[1] for row in _KINDS])[0]
        at = hour + draw.randrange(ticks.HOUR)
        found.append(_incident(draw, people, at - at % draw.choice((1, 1, 10, 1000)), kind))
    return tuple(found)


@lru_cache(maxsize=64)
def _sprays(seed: int, people: Company, day: int, per_day: float) -> tuple[Attempt, ...]:
    """The sign-ins of sprays on the UTC day, a spray every third day; none without incidents."""
    draw = random.Random(f"{seed} {people.tenant} sprays {day}")
    if not per_day or draw.random() > 0.35:
        return ()
    return tuple(_spray(draw, people, day, draw.randrange(120, 400)))


@lru_cache(maxsize=256)
def attempts(
    seed: int, people: Company, hour: int, per_day: float
) -> tuple[tuple[Attempt, Incident | None], ...]:
    """The sign-ins of incidents and sprays in the UTC hour, ascending in time."""
    day = hour // ticks.DAY * ticks.DAY
    found: list[tuple[Attempt, Incident | None]] = [
        (incident.attempt, incident)
        for incident in incidents(seed, people, hour, per_day)
        if incident.with_sign_in
    ]
    found += [
        (attempt, None)
        for attempt in _sprays(seed, people, day, per_day)
        if hour <= attempt.at < hour + ticks.HOUR
    ]
    return tuple(sorted(found, key=lambda pair: (pair[0].at, pair[0].id)))
