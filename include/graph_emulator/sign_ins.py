"""Sign-ins: ordinary ones of an office day, and those of the day's incidents."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from include.graph_emulator import ticks
from include.graph_emulator.bucket import Bucket, merge
from include.graph_emulator.company import Company
from include.graph_emulator.incidents import Attempt, Incident, attempts
from include.graph_emulator.office_hours import (
    bucket_width,
    draw_arrivals,
    draw_times,
    expected,
    hour_at,
)
from include.graph_emulator.sign_in_parts import NO_RISK, Risk
from include.graph_emulator.sign_in_text import Circumstances, SignInText, guid_text
from include.graph_emulator.ticks import NEVER

_DRAWS = 8
KINDS = ("interactiveUser", "nonInteractiveUser", "servicePrincipal", "managedIdentity")
"""`signInEventTypes` of beta; v1.0 has the first kind only (documented)."""
_VOLUME = {"interactiveUser": 1.0, "nonInteractiveUser": 2.0, "servicePrincipal": 0.5,
           "managedIdentity": 0.1}  # fmt: skip


@dataclass(frozen=True)
class SignIns:
    """The sign-ins of one kind in one tenant."""

    seed: int
    people: Company
    per_day: float
    risks_per_day: float
    lateness: str
    kind: str = KINDS[0]

    @property
    def width(self) -> int:
        """Ticks of a bucket."""
        return bucket_width(self.per_day * _VOLUME[self.kind])

    def bucket(self, number: int) -> Bucket:
        """The sign-ins of one stretch."""
        ordinary = self._ordinary(number)
        if self.kind != KINDS[0]:
            return ordinary
        return merge(ordinary, self._of_incidents(number))

    def _draw(self, number: int, what: int) -> np.random.Generator:
        tenant = int(self.people.tenant.replace("-", ""), 16)
        return np.random.default_rng([self.seed, tenant, KINDS.index(self.kind), number, what])

    def _ordinary(self, number: int) -> Bucket:
        draw, start = self._draw(number, 0), number * self.width
        count = int(draw.poisson(expected(self.per_day * _VOLUME[self.kind], start, self.width)))
        times = draw_times(draw, start, self.width, count)
        arrives = draw_arrivals(draw, times, self.lateness)
        shares = hour_at(start // ticks.HOUR * ticks.HOUR).shares
        office = np.searchsorted(shares, draw.random(count))
        noise = draw.integers(0, 2**63, (count, _DRAWS))
        text = SignInText(self.people, self.kind)

        def render(row: int, _version: int, beta: bool) -> bytes:  # noqa: FBT001  as in Bucket
            return text.ordinary(int(times[row]), int(office[row]), noise[row].tolist(), beta=beta)

        def name(row: int) -> str:
            return guid_text(int(noise[row, 0]), int(noise[row, 1]))[:-2] + "00"

        none = np.full(count, NEVER)
        return Bucket(times, arrives, none.reshape(-1, 1), none, render, name)

    def _of_incidents(self, number: int) -> Bucket:
        start = number * self.width
        hour = start // ticks.HOUR * ticks.HOUR
        every = attempts(self.seed, self.people, hour, self.risks_per_day)
        first = bisect_left(every, start, key=lambda pair: pair[0].at)
        last = bisect_left(every, start + self.width, key=lambda pair: pair[0].at)
        found = every[first:last]
        times = np.array([attempt.at for attempt, _ in found], np.int64)
        arrives = draw_arrivals(self._draw(number, 1), times, self.lateness)
        changes = np.array(
            [_changed(incident, int(at)) for (_, incident), at in zip(found, arrives, strict=True)],
            np.int64,
        )
        text = SignInText(self.people, self.kind)

        def render(row: int, version: int, beta: bool) -> bytes:  # noqa: FBT001  as in Bucket
            attempt, incident = found[row]
            return text.render(_circumstances(attempt, incident, version, self.people), beta=beta)

        return Bucket(
            times, arrives, changes.reshape(-1, 1), np.full(len(found), NEVER), render,
            lambda row: found[row][0].id,
        )  # fmt: skip


def _changed(incident: Incident | None, arrives: int) -> int:
    """When the sign-in shows the outcome of its detection; no field tells (inferred)."""
    if incident is None or len(incident.steps) < 2:
        return NEVER
    return max(incident.steps[-1].visible, arrives + ticks.SECOND)


def _circumstances(
    attempt: Attempt, incident: Incident | None, version: int, people: Company
) -> Circumstances:
    risk = NO_RISK
    if incident is not None:
        step = incident.steps[-1] if version else incident.steps[0]
        risk = Risk(step.detail, step.level, incident.steps[0].level, step.state, incident.kind)
        if incident.timing == "offline" and not version and len(incident.steps) > 1:
            risk = NO_RISK  # found later, shown later
    number = int(attempt.id[:8], 16)
    return Circumstances(
        id=attempt.id, at=attempt.at, correlation=attempt.correlation, person=attempt.person,
        app=people.apps[number % len(people.apps)], ip=attempt.ip, place=attempt.place,
        device=attempt.device, client="Browser", error=attempt.error, risk=risk, noise=number,
    )  # fmt: skip
