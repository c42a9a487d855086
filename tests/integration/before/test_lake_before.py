"""A lake that the code before the ledger's new keys has filled: read, verified, carried over."""

import json
import os
import subprocess
import sys
import tarfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard

from include.entra_logs.api import PARTITION, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Refused
from include.entra_logs.lake import Lake, layout, open_lake
from include.entra_logs.lake.store import Store
from include.entra_logs.ledger import ledger, removals
from include.entra_logs.ledger.states import states
from include.entra_logs.pipeline import Run, authenticate
from include.entra_logs.proof.earlier import carry_over
from include.entra_logs.proof.rebuild import rebuild
from include.entra_logs.proof.verify import verify

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TOLD = json.loads((HERE / "lake.json").read_text())
TENANT = TOLD["tenant_id"]
EARLIER = ("ledger/records", "ledger/months")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A copy of the lake."""
    with (HERE / "lake.tar.zst").open("rb") as packed:
        whole = zstandard.ZstdDecompressor().stream_reader(packed)
        with tarfile.open(fileobj=whole, mode="r|") as tar:
            tar.extractall(tmp_path, filter="data")
    return open_lake((tmp_path / "lake").as_uri())


def command(lake: Lake, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m include.entra_logs …` on the lake."""
    return subprocess.run(
        [sys.executable, "-m", "include.entra_logs", *arguments],
        cwd=ROOT,
        env=os.environ | {"ENTRA_LAKE_URL": lake.url},
        capture_output=True,
        text=True,
        check=False,
    )


def what_is_told(lake: Lake) -> dict[str, Any]:
    """Records, states and rows as `lake.json` has them."""
    told: dict[str, Any] = {"records": {}, "intervals": {}}
    for name, intervals in TOLD["intervals"].items():
        records = list(ledger.records(lake, name, TENANT))
        told["records"][name] = len(records)
        starts = [datetime.fromisoformat(start) for start in intervals]
        span = Window(min(starts), max(starts) + PARTITION)
        found = {s.interval.start: s for s in states(CATALOGUE[name], TENANT, records, span)}
        told["intervals"][name] = {
            start.isoformat(): {
                "state": found[start].state.value,
                "events": found[start].events,
                "rows": rows(lake, name, start),
            }
            for start in starts
        }
    return told


def rows(lake: Lake, name: str, start: datetime) -> int | None:
    """How many rows the partition's file has; None without one."""
    key = layout.table_file(name, TENANT, start)
    if lake.store.tag(key) is None:
        return None
    with lake.store.open(key) as file:
        return int(pq.read_metadata(file).num_rows)


def test_nothing_goes_on_before_it_is_carried_over(lake: Lake) -> None:
    """Runs, `verify` and `rebuild` name the command, rather than to take all for missing."""
    window = Window(
        datetime.fromisoformat("2026-11-02T08:00:00Z"),
        datetime.fromisoformat("2026-11-02T10:00:00Z"),
    )
    run = Run(CATALOGUE["sign_ins"].schedules()[0], window, "raw", "run")
    with pytest.raises(Refused, match="entra_logs rebuild-ledger`"):
        authenticate(run, None, lake, timedelta(days=30))
    with pytest.raises(Refused, match="entra_logs rebuild-ledger`"):
        verify(lake)
    with pytest.raises(Refused, match="entra_logs rebuild-ledger`"):
        rebuild(lake, CATALOGUE["sign_ins"].table)


def test_the_command_carries_it_over(lake: Lake) -> None:
    """Each record, state and note is as it was, events are the rows, `verify` is green."""
    done = command(lake, "rebuild-ledger")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{sum(TOLD['records'].values())} records of an earlier form" in done.stdout
    assert "0 reads were recorded again" in done.stdout
    assert [list(lake.store.list(folder)) for folder in EARLIER] == [[], []]
    told = what_is_told(lake)
    assert told["records"] == TOLD["records"]
    assert told["intervals"] == {
        name: {start: each | {"events": each["rows"] or 0} for start, each in found.items()}
        for name, found in TOLD["intervals"].items()
    }, "that version counted what a replay had added once more"
    assert removals.removed_before(lake, "tables", "risk_detections", TENANT) is not None
    report = verify(lake)
    assert report.ok, report.lines
    assert {"reads": report.reads, "partitions": report.partitions} == TOLD["verify"]
    assert command(lake, "verify").returncode == 0
    assert "carried over" not in command(lake, "rebuild-ledger").stdout


def test_what_changes_reach_is_found_in_a_month_before(lake: Lake) -> None:
    """A November read of changes that touched October is found by a question about October."""
    carry_over(lake)
    every = list(ledger.records(lake, "risk_detections", TENANT))
    for start in map(datetime.fromisoformat, TOLD["intervals"]["risk_detections"]):
        span = Window(start, start + PARTITION)
        asked = list(ledger.records(lake, "risk_detections", TENANT, span))
        assert [r.record_id for r in asked if start in r.touched()] == [
            r.record_id for r in every if start in r.touched()
        ]
    reaching = [r for r in every if r.window_start.month == 11 and r.touched_start.month == 10]
    assert len(reaching) >= 3


class Cut(Exception):
    """The process ends here."""


@pytest.mark.parametrize("step", range(8))
def test_it_may_be_cut_short_anywhere(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Wherever the carrying over dies, doing it again ends with each record once."""
    steps = iter(range(step))
    for name in ("put_if_absent", "replace_if_unchanged", "delete"):
        whole = getattr(Store, name)

        def dies(self: Store, *args: Any, whole: Any = whole) -> Any:
            if next(steps, None) is None:
                raise Cut
            return whole(self, *args)

        monkeypatch.setattr(Store, name, dies)
    with pytest.raises(Cut):
        carry_over(lake)
    monkeypatch.undo()
    carry_over(lake)
    assert what_is_told(lake)["records"] == TOLD["records"]
    assert verify(lake).ok
