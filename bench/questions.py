"""The ten questions on 30 days of the demo company: how long each takes.

    python -m bench.questions [--events 3000000] [--rounds 3] [--lake FOLDER]

The lake is read from the emulator by this project's own steps, a day to a run. With `--lake` it
stays in that folder, and is taken from there the next time.
"""

import argparse
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from include.bi.database import open_lake_database
from include.bi.questions import ask, questions
from include.entra_logs.api import Api, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.graph.client import GraphClient
from include.entra_logs.graph.connection import from_fields
from include.entra_logs.lake import Lake, open_lake
from include.entra_logs.pipeline import Run, authenticate, extract, load, normalise
from include.graph_emulator.process import Emulator, start_emulator

DAYS = 30
FIRST = datetime(2026, 10, 20, tzinfo=UTC)
RETENTION = timedelta(days=60)
PER_DAY = 1 / 25.2
"""Sign-ins of a working day for each event of the 30 days, audits and risk detections included."""


def make_lake(folder: Path, events: int) -> None:
    """Read 30 days of the three tables into a new lake."""
    lake = open_lake(folder.as_uri())
    settings = {"retention_days": dict.fromkeys(CATALOGUE, RETENTION.days)}
    now = FIRST + timedelta(days=DAYS + 4)
    with start_emulator(
        now=now.isoformat(), speed=0, sign_ins_per_day=events * PER_DAY, throttling=False,
        **settings,
    ) as emulator:  # fmt: skip
        for api in CATALOGUE.values():
            for day in range(DAYS):
                start = FIRST + timedelta(days=day)
                read_day(emulator, lake, api, Window(start, start + timedelta(days=1)))


def read_day(emulator: Emulator, lake: Lake, api: Api, window: Window) -> None:
    """One run over the window, as fast as it goes."""
    run = Run(api.schedules()[0], window, "graph", run_id=f"bench-{window.start:%Y%m%d}")
    fields = {name: emulator.connection[name] for name in ("login", "password", "schema", "host")}
    connection = from_fields(port=None, extra=emulator.connection["extra"], **fields)
    with GraphClient(connection, pace=0.0) as graph:
        access = authenticate(run, graph, lake, RETENTION)
        reads = extract(run, access, graph, lake, RETENTION)
    load(run, normalise(run, reads, lake), lake)


def show_times(folder: Path, rounds: int) -> None:
    """Open the lake and ask each question so many times; print the medians."""
    started = time.perf_counter()
    with open_lake_database(str(folder)) as con:
        opened = time.perf_counter() - started
        counts = {name: _count(con, name) for name in CATALOGUE}
        size = sum(file.stat().st_size for file in folder.glob("tables/**/events.parquet"))
        said = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        print(f"{DAYS} days of the demo company: {said}; {size / 1e6:,.0f} MB of Parquet")
        print(f"{'opening the lake':36}{opened:>9.2f} s")
        for name in questions():
            seconds, rows = zip(*(_timed(con, name) for _ in range(rounds)), strict=True)
            print(f"{name:36}{statistics.median(seconds):>9.2f} s{rows[0]:>10,} rows")


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    (count,) = con.table(table).count("*").fetchone() or (0,)
    return int(count)


def _timed(con: duckdb.DuckDBPyConnection, name: str) -> tuple[float, int]:
    started = time.perf_counter()
    rows = len(ask(con, name).rows)
    return time.perf_counter() - started, rows


def main() -> None:
    """The whole bench, by the arguments of this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lake", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-questions-") as scratch:
        folder = (asked.lake or Path(scratch) / "lake").absolute()
        if not (folder / "tables").exists():
            make_lake(folder, asked.events)
        show_times(folder, asked.rounds)


if __name__ == "__main__":
    main()
