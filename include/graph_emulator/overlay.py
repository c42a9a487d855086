"""Events that a test put in, beside the generated ones of an API."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from include.graph_emulator import ticks
from include.graph_emulator.bucket import Bucket
from include.graph_emulator.ticks import NEVER


@dataclass
class Added:
    """One added event, and how long it is visible."""

    id: str
    at: int
    body: bytes
    arrives: int
    leaves: int = NEVER


@dataclass
class Overlay:
    """The added events of one API; adding an id and event time again replaces the older one."""

    event_time: str
    width: int
    rows: dict[int, list[Added]] = field(default_factory=lambda: defaultdict(list))
    edition: int = 0
    """Counts the additions, so that a cache knows when it is stale."""

    def add(self, events: list[dict[str, Any]], now: int) -> None:
        """Make `events` visible from `now`, or from their own `_arrives` (a timestamp)."""
        for event in events:
            fields = {key: value for key, value in event.items() if key != "_arrives"}
            arrives = ticks.from_text(event["_arrives"]) if "_arrives" in event else now
            at = ticks.from_text(event[self.event_time])
            added = Added(event["id"], at, orjson.dumps(fields), arrives)
            same = self.rows[at // self.width]
            for older in same:
                if (older.id, older.at) == (added.id, at) and older.leaves > arrives:
                    older.leaves = arrives
            same.append(added)
        self.edition += 1

    def bucket(self, number: int) -> Bucket | None:
        """The added events of one stretch, None if there is none."""
        if number not in self.rows:
            return None
        rows = sorted(self.rows[number], key=lambda added: added.at)

        def render(row: int, _version: int, _beta: bool) -> bytes:  # noqa: FBT001  as in Bucket
            return rows[row].body

        return Bucket(
            np.array([row.at for row in rows], np.int64),
            np.array([row.arrives for row in rows], np.int64),
            np.full((len(rows), 1), NEVER),
            np.array([row.leaves for row in rows], np.int64),
            render,
            lambda row: rows[row].id,
        )
