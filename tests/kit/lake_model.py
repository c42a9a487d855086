"""What the tables must hold after any loads: a plain fold over the reads, in order of `read_at`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq

from include.entra_logs.api import Api
from include.entra_logs.lake import Lake, layout
from include.entra_logs.normalise import rebuild_event
from tests.kit.scripted_graph import TENANT, Event, Key

Stored = dict[Key, "Row"]


@dataclass(frozen=True)
class Row:
    """A stored event with its two added times."""

    event: tuple[tuple[str, Any], ...]
    first_seen_at: datetime
    changed_at: datetime


def frozen(event: Event) -> tuple[tuple[str, Any], ...]:
    """An event as a value that can be compared."""
    return tuple(sorted((k, v) for k, v in event.items() if v is not None))


class Model:
    """The loaded reads: when Graph was asked, and what it answered."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.reads: dict[tuple[datetime, str], list[Event]] = {}

    def loaded(self, read_at: datetime, events: list[Event], read_id: str = "") -> None:
        """A read was loaded, for the first time or again; ids tell reads of one second apart."""
        self.reads[read_at, read_id] = events

    def expected(self) -> Stored:
        """The tables' content: each event once, in its newest version."""
        rows: Stored = {}
        for read_at, read_id in sorted(self.reads):
            for event in self.reads[read_at, read_id]:
                key = (event["id"], event[self.api.table.event_time])
                rows[key] = self._newer(rows.get(key), event, read_at)
        return rows

    def _newer(self, old: Row | None, event: Event, read_at: datetime) -> Row:
        if old is None:
            return Row(frozen(event), read_at, read_at)
        field = self.api.table.updated_time
        if old.event == frozen(event) or (field and dict(old.event)[field] > event[field]):
            return old
        return Row(frozen(event), old.first_seen_at, read_at)


def stored(lake: Lake, api: Api) -> Stored:
    """What the tables hold. Fails if an event is there twice or in a wrong partition."""
    rows: Stored = {}
    for found in lake.store.list(layout.table_prefix(api.name, TENANT)):
        place = layout.table_partition(found.key)
        assert place, f"not a partition's file: {found.key}"
        with lake.store.open(found.key) as source:
            table = pq.read_table(source)
        for row in table.to_pylist():
            event = rebuild_event(row, api.table)
            key = (event["id"], event[api.table.event_time])
            assert key not in rows, f"twice: {key}"
            assert datetime.fromisoformat(event[api.table.event_time]) in place[2]
            rows[key] = Row(frozen(event), row["_first_seen_at"], row["_changed_at"])
    return rows
