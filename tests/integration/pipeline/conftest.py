"""The whole line without Airflow: the real emulator over TLS, the real client, a real lake."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs import pipeline
from include.entra_logs.api import Api, Schedule, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.graph.client import GraphClient
from include.entra_logs.graph.connection import GraphConnection, from_fields
from include.entra_logs.lake import Lake, layout, open_lake
from include.entra_logs.pipeline import Run
from include.entra_logs.schema import column_name
from include.graph_emulator.process import Emulator, start_emulator

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
RETENTION = timedelta(days=30)


def connection_of(emulator: Emulator, **changes: Any) -> GraphConnection:
    """The emulator's Airflow connection as the bridge would read it; `changes` replace fields."""
    fields = {"login": None, "password": None, "schema": None, "host": None, "port": None}
    fields |= {k: v for k, v in emulator.connection.items() if k in {*fields, "extra"}}
    extra = {**emulator.connection["extra"], **changes.pop("extra", {})}
    return from_fields(**{**fields, **changes, "extra": extra})


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
        import pyarrow.dataset as ds  # noqa: PLC0415  for this fixture alone

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


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """An emulator with its clock standing at noon of 2026-11-18."""
    with start_emulator(
        now=NOON.isoformat(), speed=0, sign_ins_per_day=4000, throttling=False
    ) as started:
        yield started


@pytest.fixture
def line(emulator: Emulator, tmp_path: Path) -> Iterator[Line]:
    """A new lake before a clean emulator."""
    emulator.reset()
    emulator.set_clock(NOON)
    folder = tmp_path / "lake"
    with GraphClient(connection_of(emulator), pace=0) as graph:
        yield Line(emulator, graph, open_lake(folder.as_uri()), folder)
