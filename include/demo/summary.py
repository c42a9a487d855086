"""What the demo loaded, interval by interval, held against the emulator's ground truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from include.entra_logs.api import Api, Schedule, Window, utc_text
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.schema import column_name
from include.graph_emulator.process import Emulator

Identity = tuple[str, datetime]


@dataclass(frozen=True)
class Loaded:
    """One interval of one API: what its reads brought and whether that is the truth."""

    schedule: Schedule
    window: Window
    records: tuple[LedgerRecord, ...]
    events: int
    lacking: int
    """Events that had arrived when Graph was last asked, and are not in the lake."""
    foreign: int
    """Events in the lake that Graph never had."""

    @property
    def equal(self) -> bool:
        """Whether the partition holds exactly what had arrived."""
        return bool(self.records) and not self.lacking and not self.foreign


def compare_with_truth(
    lake: Lake, emulator: Emulator, due: Mapping[Schedule, Sequence[Window]]
) -> list[Loaded]:
    """Each due interval with its reads, its events, and how they differ from the truth."""
    tenant_id = str(emulator.connection["extra"]["tenant_id"])
    return [
        _loaded(lake, emulator, tenant_id, schedule, window)
        for schedule, windows in due.items()
        for window in windows
    ]


def _loaded(
    lake: Lake, emulator: Emulator, tenant_id: str, schedule: Schedule, window: Window
) -> Loaded:
    api = schedule.api
    records = tuple(
        record
        for record in ledger.records(lake, api.name, tenant_id, window)
        if record.window == window and record.filter_by == api.table.event_time
    )
    held = _identities(lake, api, tenant_id, window)
    asked = max((record.read_at for record in records), default=window.end)
    truth = emulator.truth(api.name, window.start, window.end, at=asked, tenant=tenant_id)
    arrived = {(event, datetime.fromisoformat(at)) for event, at in truth.ids}
    return Loaded(schedule, window, records, len(held), len(arrived - held), len(held - arrived))


def _identities(lake: Lake, api: Api, tenant_id: str, window: Window) -> set[Identity]:
    """Id and time of every event in a partition; none if it has no file."""
    key = layout.table_file(api.name, tenant_id, window.start)
    if lake.store.tag(key) is None:
        return set()
    with lake.store.open(key) as source:
        table = pq.read_table(source, columns=["id", column_name(api.table.event_time)])
    return set(zip(*(column.to_pylist() for column in table.columns), strict=True))


def print_summary(console: Console, rows: Sequence[Loaded]) -> None:
    """A line per API and interval."""
    table = Table(title="What was loaded", title_justify="left")
    for name in ("table", "interval (UTC)"):
        table.add_column(name)
    for name in ("reads", "pages", "events", "lacking", "foreign"):
        table.add_column(name, justify="right")
    for row in rows:
        counts = (len(row.records), sum(r.pages for r in row.records), row.events)
        table.add_row(
            row.schedule.api.name,
            f"{utc_text(row.window.start)[:16]} to {row.window.end:%H:%M}",
            *map(str, (*counts, row.lacking, row.foreign)),
            style="" if row.equal else "red",
        )
    console.print(table)
    console.print(f"{sum(row.events for row in rows):,} events in {len(rows)} intervals.")
