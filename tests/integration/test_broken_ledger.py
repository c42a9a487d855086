"""A broken object of the ledger: named by verify and upkeep, mended by the command they name."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from include.entra_logs import pipeline
from include.entra_logs.__main__ import app
from include.entra_logs.api import PARTITION, Window, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Corrupt
from include.entra_logs.lake import Lake, layout, open_lake
from include.entra_logs.ledger import ledger
from include.entra_logs.pipeline import Run
from include.entra_logs.proof import upkeep
from include.entra_logs.proof.rebuild import rebuild
from include.entra_logs.proof.verify import verify
from tests.kit.lake_model import stored
from tests.kit.scripted_graph import ScriptedGraph, World

API = CATALOGUE["risk_detections"]
MAIN, _, UPDATES = API.schedules()
OCTOBER = datetime(2026, 10, 30, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 2, tzinfo=UTC)
FOREVER = timedelta(days=36500)
STARTS = [OCTOBER, OCTOBER + PARTITION, NOVEMBER, NOVEMBER + PARTITION]


def load(lake: Lake, world: World, start: datetime, schedule: Any = MAIN) -> None:
    """One run from extract to load."""
    window = Window(start, start + PARTITION)
    world.now = max(world.now, window.end) + timedelta(hours=1)
    graph: Any = ScriptedGraph(world)
    run = Run(schedule, window, "graph", f"{schedule.kind} {start:%d%H}")
    access = pipeline.authenticate(run, graph, lake, FOREVER)
    reads = pipeline.extract(run, access, graph, lake, FOREVER)
    pipeline.load(run, pipeline.normalise(run, reads, lake), lake)


@pytest.fixture
def world() -> World:
    """A detection in each window; the first of October changed in November."""
    made = World(API, OCTOBER)
    for number, start in enumerate(STARTS):
        at = utc_text(start + timedelta(minutes=7))
        event = {"id": f"e{number}", "detectedDateTime": at, "lastUpdatedDateTime": at}
        made.put(event, start)
    changed = {"lastUpdatedDateTime": utc_text(NOVEMBER + timedelta(minutes=30)), "riskState": "x"}
    made.put(
        {"id": "e0", "detectedDateTime": utc_text(OCTOBER + timedelta(minutes=7))} | changed,
        NOVEMBER + timedelta(minutes=30),
    )
    return made


@pytest.fixture
def lake(tmp_path: Path, world: World) -> Lake:
    """Main reads of all windows, and a read of the changes of the first one of November."""
    made = open_lake(tmp_path.as_uri())
    for start in STARTS:
        load(made, world, start)
    load(made, world, NOVEMBER, UPDATES)
    return made


def key_of(lake: Lake, start: datetime, *, rolled: bool) -> str:
    """The key of what the ledger has of the interval: a loose record, or its month."""
    (record, *_) = ledger.records(lake, API.name, span=Window(start, start + PARTITION))
    shelf = ledger.shelf_of(record)
    if not rolled:
        return layout.ledger_record(shelf, record.record_id)
    ledger.roll_up(lake)
    return layout.ledger_month(shelf)


@pytest.mark.parametrize("rolled", [False, True], ids=["record", "month"])
@pytest.mark.parametrize("body", [b"", b"PAR1{"], ids=["empty", "foreign"])
def test_named_and_mended(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch, body: bytes, *, rolled: bool
) -> None:
    """The rest is proved, kept up and loaded meanwhile; the command of the sentence mends it."""
    events, records = stored(lake, API), ledger.table(lake).select(["record_id", "added"])
    assert verify(lake).ok
    key = key_of(lake, NOVEMBER, rolled=rolled)
    lake.store.put(key, body)

    report = verify(lake)
    assert [key in line and "rebuild-ledger" in line for line in report.lines] == [True, False]
    with nullcontext() if rolled else pytest.raises(Corrupt, match=key):
        upkeep.tidy(lake, timedelta(days=20), None, NOVEMBER + timedelta(days=21, hours=4))
    kept = [found.key for found in lake.store.list(layout.raw_prefix(API.name))]
    assert [key for key in kept if "date=2026-11-02/hour=00" in key], "raw of what is unknown stays"
    spared = rebuild(lake, API.table).spared
    assert spared
    assert all(key in line for line in spared)
    with pytest.raises(Corrupt, match=key):
        load(lake, world, NOVEMBER)
    load(lake, world, OCTOBER - timedelta(days=40))

    monkeypatch.setenv("ENTRA_LAKE_URL", lake.url)
    done = CliRunner().invoke(app, ["rebuild-ledger"])
    assert done.exit_code == 0, done.output
    assert layout.ledger_broken(key) in done.output
    assert verify(lake).ok
    assert stored(lake, API) == events
    assert set(records["record_id"].to_pylist()) <= {r.record_id for r in ledger.records(lake)}
