"""The whole line without Airflow: the real emulator over TLS, the real client, a real lake."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from include.entra_logs import pipeline
from include.entra_logs.api import Api, Schedule, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.graph.client import GraphClient
from include.entra_logs.lake import Lake, layout
from include.entra_logs.pipeline import Run
from include.entra_logs.schema import column_name
from include.graph_emulator.process import Emulator

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
RETENTION = timedelta(days=30)


@dataclass
class Line:
    """One tenant's line: emulator, client, lake."""

    emulator: Emulator
    graph: GraphClient
    lake: Lake
    folder: Path
    now: datetime = NOON
    runs: int = 0

    def run(
        self,
        schedule: Schedule,
        window: Window,
        source: str = "graph",
        *,
        retention: timedelta = RETENTION,
    ) -> dict[str, Any]:
        """What `load` returned, after all four verbs; a minute passes before each run."""
        self.runs += 1
        self.now += timedelta(minutes=1)
        self.emulator.set_clock(self.now)
        run = Run(schedule, window, source, f"test {self.runs}")
        graph = self.graph if source == "graph" else None
        access = pipeline.authenticate(run, graph, self.lake, retention)
        reads = pipeline.extract(run, access, graph, self.lake, retention)
        done = pipeline.load(run, pipeline.normalise(run, reads, self.lake), self.lake)
        return done.handover()

    @property
    def tenant_id(self) -> str:
        """The guid of the one tenant."""
        return str(self.emulator.connection["extra"]["tenant_id"])

    def held(self, api: Api) -> set[tuple[str, datetime]]:
        """Identity of every event in the table."""
        folder = self.folder / layout.table_prefix(api.name)
        if not folder.exists():
            return set()
        columns = ["id", column_name(api.table.event_time)]
        table = ds.dataset(folder, partitioning="hive").to_table(columns)
        rows = list(zip(*(c.to_pylist() for c in table.columns), strict=True))
        assert len(rows) == len(set(rows)), "an event is there twice"
        return set(rows)

    def truth(self, api: Api, window: Window, at: datetime | None = None, **asked: Any) -> set:
        """Identity of every event of the window that Graph has shown by `at`."""
        found = self.emulator.truth(api.name, window.start, window.end, at=at, **asked)
        return {(name, _cut(when)) for name, when in found.ids}

    def files(self) -> dict[str, tuple[str, int]]:
        """Hash and time of change of every file below `tables/`."""
        return {
            str(path.relative_to(self.folder)): (
                hashlib.sha256(path.read_bytes()).hexdigest(),
                path.stat().st_mtime_ns,
            )
            for path in sorted((self.folder / "tables").rglob("*"))
            if path.is_file()
        }


def _cut(text: str) -> datetime:
    return datetime.fromisoformat(text)


def main_of(name: str) -> Schedule:
    """The main schedule of an API."""
    return CATALOGUE[name].schedules()[0]


def schedule_of(name: str, kind: str) -> Schedule:
    """One schedule of an API."""
    return next(s for s in CATALOGUE[name].schedules() if s.kind == kind)


def two_hours(day: int, hour: int) -> Window:
    """An interval of November 2026."""
    start = datetime(2026, 11, day, hour, tzinfo=UTC)
    return Window(start, start + timedelta(hours=2))
