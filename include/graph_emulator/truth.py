"""The ground truth: what a complete read of a window has to bring."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from include.graph_emulator import ticks
from include.graph_emulator.collection import Collection
from include.graph_emulator.odata import EVERYTHING, Filter
from include.graph_emulator.timeline import Stretch, Timeline


def checksum(rows: list[tuple[str, str]]) -> str:
    """SHA-256 over the sorted lines "id, tab, event time, newline" of (id, event time) pairs."""
    digest = hashlib.sha256()
    for name, at in sorted(rows):
        digest.update(f"{name}\t{at}\n".encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Asked:
    """What is asked for: `[start, end)` of the time `by`, at the clock `at`; all in ticks."""

    start: int
    end: int
    by: str
    at: int
    events: bool = False
    """The whole events too."""
    names: bool = True
    """Ids and event times, not only their count and checksum."""
    where: Filter = EVERYTHING
    """Only what matches."""
    version: str = "v1.0"
    """Whose events."""


def truth(timelines: Iterable[Timeline], collection: Collection, asked: Asked) -> dict[str, Any]:
    """What a complete read of the window brings. ValueError if `by` is no time of the API.

    `ids` is a list of [id, event time]. Retention is not applied: it is what exists, whether or
    not Graph would still show it.
    """
    if asked.by not in collection.times:
        raise ValueError(f"{asked.by} is no time of {collection.name}: {[*collection.times]}")
    before, after = collection.times[asked.by]
    whole = asked.events or asked.by != collection.event_time or not asked.where.exact
    rows: list[tuple[str, str]] = []
    bodies: list[Any] = []
    for timeline in timelines:
        for stretch in timeline.stretches(asked.start - after, asked.end + before - 1, asked.at):
            if not whole:
                rows += [(name, ticks.to_text(t)) for name, t in timeline.names(stretch, asked.at)]
                continue
            found = list(_events(timeline, stretch, asked))
            rows += [(event["id"], event[collection.event_time]) for event in found]
            bodies += found
    answer: dict[str, Any] = {"count": len(rows), "checksum": checksum(rows)}
    answer["at"] = ticks.to_text(asked.at)
    answer |= {"ids": rows} if asked.names else {}
    return answer | ({"events": bodies} if asked.events else {})


def _events(timeline: Timeline, stretch: Stretch, asked: Asked) -> Iterator[Any]:
    """The events of a stretch that are asked for."""
    block = timeline.block(stretch, asked.at, beta=asked.version == "beta")
    for row in range(stretch.start, stretch.stop):
        event = orjson.loads(bytes(block.rows(row, row + 1)))
        at = event.get(asked.by)
        if at and asked.start <= ticks.from_text(at) < asked.end and asked.where.test(event):
            yield event
