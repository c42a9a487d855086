"""A detection of 9999, of the year 1 or of 1969 in a read of changes: it holds up nobody."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from include.entra_logs import pipeline
from include.entra_logs.api import PARTITION, Window, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.lake import Lake, layout, open_lake
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import LedgerRecord, PartitionCounts
from include.entra_logs.ledger.states import states
from include.entra_logs.pipeline import Run
from include.entra_logs.proof import upkeep
from include.entra_logs.proof.rebuild import rebuild
from include.entra_logs.proof.verify import verify
from include.entra_logs.watch.causes import causes
from include.entra_logs.watch.seen import see
from tests.kit.scripted_graph import TENANT, ScriptedGraph, World

API = CATALOGUE["risk_detections"]
UPDATES = next(s for s in API.schedules() if s.kind == "updates")
START = datetime(2026, 11, 22, tzinfo=UTC)
WINDOW = Window(START, START + PARTITION)
FOREVER = timedelta(days=36500)
ODD = [
    "9999-12-31T23:59:59.9999999Z", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z",
    "2026-12-01T00:00:00Z",
]  # fmt: skip


def loaded(lake: Lake, world: World, run_id: str = "run") -> pipeline.Loaded:
    """What a read of the changes of the window did."""
    graph: Any = ScriptedGraph(world)
    run = Run(UPDATES, WINDOW, "graph", run_id)
    access = pipeline.authenticate(run, graph, lake, FOREVER)
    reads = pipeline.extract(run, access, graph, lake, FOREVER)
    return pipeline.load(run, pipeline.normalise(run, reads, lake), lake)


def world_with(*times: str) -> World:
    """One good detection, and one of each of these times, all changed in the window."""
    world = World(API, WINDOW.end + timedelta(hours=1))
    for number, at in enumerate([utc_text(START), *times]):
        event = {"id": f"e{number}", "detectedDateTime": at}
        world.put(event | {"lastUpdatedDateTime": utc_text(START)}, START)
    return world


@pytest.mark.parametrize("odd", ODD, ids=["MaxValue", "MinValue", "1969", "next week"])
def test_it_is_a_reject_and_all_that_follows_works(tmp_path: Path, odd: str) -> None:
    """Loaded at once and again, proved, kept up, rebuilt, seen: counted, and lost nowhere."""
    lake = open_lake(tmp_path.as_uri())
    for number in range(2):
        world = world_with(odd)
        world.now += timedelta(hours=number)
        (read,) = loaded(lake, world, f"run {number}").reads
        assert (read.record.rejects, read.record.distinct, read.late) == (1, 1, 0)
    assert verify(lake).ok
    later = START + timedelta(days=40)
    assert upkeep.tidy(lake, None, FOREVER, later)["records"] == 2
    assert upkeep.verify_slice(lake, START + timedelta(days=5, hours=12))["partitions"] == 1
    assert rebuild(lake, API.table).partitions == 1
    (partition,) = [s.key for s in lake.store.list(layout.TABLES)]
    assert "date=2026-11-22/hour=00" in partition
    records = list(ledger.records(lake))
    seen = see(API, TENANT, records, START + PARTITION * 3, start=START, horizon=FOREVER)
    assert "rejects" in {c.topic.kind.name.lower() for c in causes(seen)}


def test_a_record_that_an_earlier_version_left_of_one_is_read(tmp_path: Path) -> None:
    """Its load had died with the record durable: states, roll-up and proof get past it."""
    lake = open_lake(tmp_path.as_uri())
    for number, start in enumerate(
        [datetime(9999, 12, 31, 22, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)]
    ):
        record = LedgerRecord(
            record_id=f"20261122T030000Z-updates-0000000{number}",
            read_id=f"20261122T030000Z-updates-0000000{number}",
            api=API.name,
            tenant_id=TENANT,
            window_start=START,
            window_end=WINDOW.end,
            kind="updates",
            read_kind="updates",
            filter_by="lastUpdatedDateTime",
            run_id="old",
            read_at=WINDOW.end,
            loaded_at=WINDOW.end,
            partitions=(PartitionCounts(start, 1),),
        )
        ledger.append(lake, record)
        key = layout.table_file(API.name, TENANT, start)
        lake.store.put(key, b"what its merge left")
    loaded(lake, world_with())
    assert ledger.roll_up(lake) == 3
    known = list(ledger.records(lake, API.name, TENANT, WINDOW))
    assert len(list(states(API, TENANT, known, WINDOW))) == 1
    told = [str(difference) for difference in verify(lake).differences]
    assert any("9999-12-31T22:00:00" in line for line in told)
    assert rebuild(lake, API.table).partitions == 1


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
def test_other_times_of_the_year_1_stay_and_are_read(tmp_path: Path, engine: str) -> None:
    """Graph's 0001-01-01 for "none" in `activityDateTime` reaches the readers as it is."""
    lake = open_lake(tmp_path.as_uri())
    world = World(API, WINDOW.end + timedelta(hours=1))
    event = {"id": "e", "detectedDateTime": utc_text(START), "lastUpdatedDateTime": utc_text(START)}
    world.put(event | {"activityDateTime": "0001-01-01T00:00:00Z"}, START)
    loaded(lake, world)
    assert verify(lake).ok
    (path,) = tmp_path.glob("tables/**/events.parquet")
    if engine == "pandas":
        import pandas as pd  # noqa: PLC0415  seconds, for this test alone

        assert pd.read_parquet(path)["activity_date_time"].dt.year.to_list() == [1]
    else:
        con = duckdb.connect()
        con.execute("SET TimeZone = 'UTC'")
        asked = f"SELECT year(activity_date_time) FROM '{path}'"
        assert con.sql(asked).fetchall() == [(1,)]
