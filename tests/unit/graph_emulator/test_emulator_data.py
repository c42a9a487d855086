"""The data: believable, the same for the same seed, and with an example of every property."""

import csv
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest

from include.entra_logs import metadata
from include.graph_emulator import ticks
from include.graph_emulator.catalogue import BY_NAME
from include.graph_emulator.company import company
from include.graph_emulator.settings import DOMAIN, TENANT, Settings
from include.graph_emulator.sites import OFFICES
from include.graph_emulator.truth import Asked, truth
from include.graph_emulator.world import World

ENTITIES = {
    "sign_ins": "signIn",
    "directory_audits": "directoryAudit",
    "risk_detections": "riskDetection",
}
DAY = ("2026-11-18", "2026-11-19")


def events(api: str, start: str, end: str, **settings: Any) -> list[dict[str, Any]]:
    """Every event of a window once all has arrived, newest first."""
    world = World(Settings.model_validate({"sign_ins_per_day": 4000} | settings))
    low, high, late = (ticks.from_text(text) for text in (start, end, "2027-06-01"))
    asked = Asked(low, high, BY_NAME[api].event_time, late, events=True)
    found: list[dict[str, Any]] = truth([world.timeline(TENANT, api)], BY_NAME[api], asked)[
        "events"
    ]
    return found


def declared() -> dict[str, dict[str, dict[str, str]]]:
    """Type -> property -> row of the v1.0 metadata; an enum has one row, its property is empty."""
    types: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    path = Path(metadata.__file__).with_name("v1.0.csv")
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            types[row["type"]][row["property"]] = row
    return types


def seen_paths(value: Any, kind: str, types: Any, path: str, seen: Counter[str]) -> None:
    """Count the non-null values of every declared property below `value`."""
    for name, row in types[kind].items():
        inner = value.get(name)
        items = inner if isinstance(inner, list) else [inner]
        for item in items:
            if item is None:
                continue
            seen[f"{path}.{name}"] += 1
            inner_kind = row["edm_type"].rpartition(".")[2]
            if "" in types[inner_kind]:
                assert item in types[inner_kind][""]["members"].split("|"), f"{path}.{name}"
            elif isinstance(item, dict) and types[inner_kind]:
                seen_paths(item, inner_kind, types, f"{path}.{name}", seen)


def all_paths(kind: str, types: Any, path: str) -> set[str]:
    """Every declared property below an entity."""
    found = set()
    for name, row in types[kind].items():
        found.add(f"{path}.{name}")
        inner = row["edm_type"].rpartition(".")[2]
        if types[inner] and "" not in types[inner]:
            found |= all_paths(inner, types, f"{path}.{name}")
    return found


@pytest.mark.parametrize("api", ENTITIES)
def test_every_declared_property_has_an_example(api: str) -> None:
    """Each v1.0 property is somewhere set within two days, and no enum has an unknown member."""
    types = declared()
    seen: Counter[str] = Counter()
    for event in events(api, "2026-11-17", "2026-11-19", risks_per_day=100):
        seen_paths(event, ENTITIES[api], types, "", seen)
    missing = all_paths(ENTITIES[api], types, "") - seen.keys()
    assert missing == set()


def test_the_same_seed_gives_the_same_events() -> None:
    """A window is made anew, in any cut, with the same events; another seed gives others."""
    whole = events("sign_ins", "2026-11-18T08:00:00Z", "2026-11-18T10:00:00Z")
    parts = events("sign_ins", "2026-11-18T09:00:00Z", "2026-11-18T10:00:00Z")
    parts += events("sign_ins", "2026-11-18T08:00:00Z", "2026-11-18T09:00:00Z")
    assert whole == parts
    other = events("sign_ins", "2026-11-18T08:00:00Z", "2026-11-18T10:00:00Z", seed=8)
    assert not {event["id"] for event in whole} & {event["id"] for event in other}


def test_people_keep_office_hours() -> None:
    """Two thousand people; each office signs in by day of its own time zone, little at weekends."""
    assert len(company(7, TENANT, DOMAIN).people) == 2000
    day = events("sign_ins", *DAY)
    sunday = events("sign_ins", "2026-11-15", "2026-11-16")
    assert 3500 < len(day) < 5500
    assert len(sunday) < len(day) / 3
    cities = {office.place.city for office in OFFICES}
    assert cities <= {event["location"]["city"] for event in day}
    british = [event for event in day if event["location"]["city"] == "Leeds"]
    awake = [event for event in british if 7 <= int(event["createdDateTime"][11:13]) < 19]
    assert len(awake) > 0.8 * len(british)


def test_incidents_are_told_twice() -> None:
    """Detections name sign-ins that exist; sprays, travel, leaks and admin changes occur."""
    week = ("2026-11-09", "2026-11-16")
    risks = events("risk_detections", *week, risks_per_day=60)
    sign_ins = {
        event["id"]: event
        for event in events("sign_ins", "2026-11-06", "2026-11-16", risks_per_day=60)
    }
    named = [event for event in risks if event["requestId"]]
    assert all(event["requestId"] in sign_ins for event in named)
    assert all(
        sign_ins[event["requestId"]]["userId"] == event["userId"]
        and sign_ins[event["requestId"]]["createdDateTime"] == event["activityDateTime"]
        for event in named
    )
    kinds = {event["riskEventType"] for event in risks}
    assert {"unlikelyTravel", "leakedCredentials", "passwordSpray", "anonymizedIPAddress"} <= kinds
    failed: dict[tuple[str, str], set[str]] = defaultdict(set)
    for event in sign_ins.values():
        if event["status"]["errorCode"] == 50126:
            network = event["ipAddress"].rpartition(".")[0]
            failed[network, event["createdDateTime"][:10]].add(event["userId"])
    assert max(map(len, failed.values())) > 100
    audits = {event["activityDisplayName"] for event in events("directory_audits", *week)}
    assert {"Add member to role", "Consent to application", "Update user"} <= audits


def test_times_and_ids_are_as_odd_as_graphs() -> None:
    """0 to 7 fraction digits without trailing zeros, equal times, events on the hour's edges."""
    day = events("sign_ins", *DAY)
    times = [event["createdDateTime"] for event in day]
    digits = Counter(len(time.partition(".")[2].rstrip("Z")) for time in times)
    assert set(digits) == set(range(8))
    assert not any(time.rstrip("Z").endswith("0") for time in times if "." in time)
    assert len(set(times)) < len(times)
    assert "2026-11-18T08:00:00Z" in times
    assert "2026-11-18T07:59:59.9999999Z" in times
    shapes = {orjson.dumps(list(event["location"]["geoCoordinates"] or [])) for event in day}
    assert len(shapes) == 3
    assert len({event["id"] for event in day}) == len(day)


def test_rows_are_as_large_as_graphs() -> None:
    """A sign-in is around 1.6 kB, so that a page of a thousand is what it is in the field."""
    day = events("sign_ins", *DAY)
    size = sum(len(orjson.dumps(event)) for event in day) / len(day)
    assert 1300 < size < 1800
