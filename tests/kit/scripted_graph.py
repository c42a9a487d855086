"""A stand-in for Graph's side of a read, for histories of the lake: no network, a world in memory.

It keeps the contract of `GraphClient` (authenticate, read) against the real staging: pages newest
first, one slice. What it answers is what the world holds visible at its clock.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from include.entra_logs.api import Api, Window
from include.entra_logs.source import Access, Page, ReadStore, ReadSummary, Slice

TENANT = "0b1fcd2e-4a8e-4e7c-9d42-3e2f4b1c5a60"
PAGE = 3

Event = dict[str, Any]
Key = tuple[str, str]


@dataclass
class World:
    """Events of one API: for each, when which version became visible."""

    api: Api
    now: datetime
    versions: dict[Key, list[tuple[datetime, Event]]] = field(default_factory=dict)
    requests: Iterator[int] = field(default_factory=itertools.count)
    """Each answer has an id of its own."""

    def put(self, event: Event, visible_at: datetime) -> None:
        """A version of an event that Graph shows from `visible_at` on."""
        key = (event["id"], event[self.api.table.event_time])
        self.versions.setdefault(key, []).append((visible_at, event))

    def visible(self, window: Window, by: str) -> list[Event]:
        """What Graph would answer now, newest first."""
        found = []
        for versions in self.versions.values():
            seen = [event for at, event in versions if at <= self.now]
            if seen and datetime.fromisoformat(seen[-1][by]) in window:
                found.append(seen[-1])
        return sorted(found, key=lambda event: event[by], reverse=True)


class ScriptedGraph:
    """Answers from a world; `short` drops that many of the oldest events of a read, unannounced."""

    def __init__(self, world: World, short: int = 0) -> None:
        self.world = world
        self.short = short

    tenant_id = TENANT
    credential_end = None

    def authenticate(self, api: Api, window: Window, filter_by: str) -> Access:
        """Access of the one tenant at the world's clock."""
        return Access(tenant_id=TENANT, asked_at=self.world.now)

    def read(self, api: Api, window: Window, filter_by: str, store: ReadStore) -> ReadSummary:
        """All pages of the window into `store`."""
        events = self.world.visible(window, filter_by)
        events = events[: len(events) - self.short] if self.short else events
        bodies = [events[n : n + PAGE] for n in range(0, len(events), PAGE)] or [[]]
        store.resume()
        name = f"{next(self.world.requests):04}"  # an earlier try goes with its slice
        last = Slice(name, window, window)
        store.save_slices([last])
        sent = 0
        for number, rows in enumerate(bodies, 1):
            body = json.dumps({"value": rows}).encode()
            sent += len(body)
            link = None if number == len(bodies) else f"https://graph.example/{number}"
            page = Page(
                name,
                number,
                body,
                len(rows),
                link,
                self.world.now,
                f"request-{next(self.world.requests)}",
            )
            store.save_page(page)
            last = last.after(page)
        store.save_slices([last])
        return ReadSummary(self.world.now, len(bodies), len(events), sent, len(bodies), 0, 0.0)
