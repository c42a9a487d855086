"""Events and pages made from the metadata, for tests of normalise."""

import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from include.entra_logs.api import Api, Window
from include.entra_logs.metadata import graph_metadata
from include.entra_logs.normalise import Normalised, normalise

START = datetime(2026, 11, 22, 8, tzinfo=UTC)
READ_AT = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
EVER = Window(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))


@dataclass(frozen=True)
class Page:
    """A raw page as the lake gives it."""

    keep: Window
    body: bytes


@dataclass(frozen=True)
class Spelled:
    """A JSON value with a spelling of its own."""

    text: str


@dataclass(frozen=True)
class Twice:
    """A member that is sent twice."""

    first: Any
    last: Any


STRICT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def micros(value: Any) -> Any:
    """A time as Graph prints it, cut to microseconds without trailing zeros."""
    if not isinstance(value, str) or not STRICT.fullmatch(value):
        return value
    whole, _, fraction = value.removesuffix("Z").partition(".")
    fraction = fraction[:6].rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


def write(value: Any) -> str:
    """`value` as JSON text."""
    if isinstance(value, Spelled):
        return value.text
    if isinstance(value, dict):
        members = []
        for name, item in value.items():
            both = (item.first, item.last) if isinstance(item, Twice) else (item,)
            members += [f"{json.dumps(name)}:{write(one)}" for one in both]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value)


def page_of(events: Iterable[Any], keep: Window = EVER) -> Page:
    """A page of Graph with the events."""
    body = '{"@odata.context":"https://graph.example/$metadata#x","value":'
    return Page(keep, f"{body}{write(list(events))}}}".encode())


def declared_event(api: Api, number: int = 0, seed: int = 0) -> dict[str, Any]:
    """An event that has every declared property with a value of its type; ids are unique."""
    rng = random.Random(f"{seed}/{number}")
    event: dict[str, Any] = _value(api, api.table.entity, rng)
    at = START + timedelta(microseconds=rng.randrange(7_200_000_000))
    event["id"] = f"{api.name}-{number:08d}"
    event[api.table.event_time] = f"{at:%Y-%m-%dT%H:%M:%S.%f}{rng.randrange(10)}Z"
    return event


def _value(api: Api, edm_type: str, rng: random.Random) -> Any:
    metadata = graph_metadata(api.table.version)
    if edm_type in metadata.types:
        return {
            prop.name: [_value(api, prop.edm_type, rng) for _ in range(rng.randrange(4))]
            if prop.collection
            else _value(api, prop.edm_type, rng)
            for prop in metadata.properties(edm_type)
        }
    if edm_type in metadata.enums:
        return rng.choice(metadata.enums[edm_type])
    made: dict[str, Any] = {
        "Edm.Boolean": rng.random() < 0.5,
        "Edm.Int16": rng.randrange(-(2**15), 2**15),
        "Edm.Int32": rng.randrange(-(2**31), 2**31),
        "Edm.Int64": rng.randrange(-(2**63), 2**63),
        "Edm.Double": rng.choice([rng.uniform(-180, 180), rng.randrange(180)]),
        "Edm.Single": rng.choice([0.5, -1.25, 3]),
        "Edm.DateTimeOffset": f"2026-11-{rng.randrange(1, 29):02d}T01:02:03Z",
        "Edm.String": rng.choice(["", "a", "Müller", "日本", "a\u0000b", "x" * 50, '"\\/\b\f\n']),
        "Edm.Guid": f"{rng.getrandbits(32):08x}-0000-4000-8000-000000000000",
        "Edm.Date": f"2026-11-{rng.randrange(1, 29):02d}",
        "Edm.TimeOfDay": f"{rng.randrange(24):02d}:02:03",
        "Edm.Duration": f"PT{rng.randrange(60)}S",
        "Edm.Binary": "RW50cmE=",
    }
    return made[edm_type]


def run(
    api: Api,
    pages: Sequence[Page],
    directory: Path,
    window: Window = EVER,
    filter_by: str | None = None,
) -> tuple[Normalised, list[dict[str, Any]]]:
    """Normalise the pages; what it returned, and all rows it wrote in order of partition."""
    done = normalise(
        api.table, filter_by or api.table.event_time, window, pages, READ_AT, directory
    )
    tables = [pq.read_table(done.files[at], partitioning=None) for at in sorted(done.files)]
    return done, pa.concat_tables(tables).to_pylist() if tables else []
