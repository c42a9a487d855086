"""Tasks that are done again: what Graph answered once is one read, however often it is told."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from include.entra_logs import pipeline
from include.entra_logs.api import PARTITION, Window, partition_start, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Corrupt, PastRetention, Refused
from include.entra_logs.lake import Lake, layout, open_lake
from include.entra_logs.lake.staging import StagedRead
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.states import State, states
from include.entra_logs.pipeline import Run
from include.entra_logs.proof import upkeep
from include.entra_logs.proof.rebuild_ledger import rebuild_ledger
from include.entra_logs.proof.verify import verify
from include.entra_logs.source import ReadStore, ReadSummary
from tests.kit.scripted_graph import TENANT, ScriptedGraph, World

API = CATALOGUE["sign_ins"]
MAIN, SWEEP_6H, SWEEP_3D = API.schedules()
KEPT = timedelta(days=30)


class Counting(ScriptedGraph):
    """A Graph that counts its reads, and keeps no more than `kept`."""

    reads = 0
    kept: timedelta | None = None

    def read(self, api: Any, window: Window, filter_by: str, store: ReadStore) -> ReadSummary:
        """Refused for what it has begun to forget, as Graph does."""
        self.reads += 1
        if self.kept and window.start < self.world.now - self.kept:
            error = PastRetention("too old")
            error.asked_at = self.world.now
            raise error
        return super().read(api, window, filter_by, store)


@pytest.fixture
def window() -> Window:
    """Two hours that have settled, of today."""
    start = partition_start(datetime.now(UTC) - timedelta(hours=3))
    return Window(start, start + PARTITION)


@pytest.fixture
def graph(window: Window) -> Counting:
    """A Graph with ten events in the window, whose clock is right."""
    world = World(API, datetime.now(UTC).replace(microsecond=0))
    for n in range(10):
        at = utc_text(window.start + n * timedelta(minutes=11))
        world.put({"id": f"e{n}", "createdDateTime": at}, window.start)
    return Counting(world)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return open_lake((tmp_path / "lake").as_uri())


def extract(run: Run, graph: Any, lake: Lake, kept: timedelta = KEPT) -> dict[str, Any]:
    """What extract hands over."""
    return pipeline.extract(run, {"tenant_id": TENANT}, graph, lake, kept)


def load(run: Run, reads: dict[str, Any], lake: Lake) -> None:
    """Normalise and load."""
    pipeline.load(run, pipeline.normalise(run, reads, lake), lake)


def told(lake: Lake, window: Window) -> tuple[State, int]:
    """State and events of the interval."""
    records = ledger.records(lake, API.name, TENANT, window)
    (found,) = states(API, TENANT, records, window)
    return found.state, found.events


def test_a_read_that_was_not_told_is_not_made_again(
    graph: Counting, lake: Lake, window: Window
) -> None:
    """Killed after publishing, or its XCom lost: the next try hands over what is in raw."""
    run = Run(MAIN, window, "graph", "run")
    first = extract(run, graph, lake)
    again = extract(replace(run, attempt=2), graph, lake)
    assert (again["reads"], graph.reads) == (first["reads"], 1)
    load(run, again, lake)
    assert told(lake, window) == (State.PROVISIONAL, 10)
    assert [r.kind for r in ledger.records(lake, API.name, TENANT)] == ["main"], "no replay"
    assert verify(lake).ok


def test_a_read_is_published_once_whoever_takes_up_its_pages(
    graph: Counting, lake: Lake, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between manifest and end: another run that finds the pages makes no second read."""

    class Killed(BaseException):
        """The process ends here."""

    def dies(self: StagedRead) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(StagedRead, "finish", dies)
        with pytest.raises(Killed):
            extract(Run(MAIN, window, "graph", "run"), graph, lake)
    staged = pipeline.staging.open_read(
        lake, API.name, TENANT, window, kind="main", filter_by="createdDateTime",
        run_id="other", attempt=1, now=datetime.now(UTC),
    )  # fmt: skip
    assert staged.resume()
    (made,) = pipeline.raw.manifests(lake, API.name, TENANT, window, None)
    found = pipeline.raw.publish(staged, made.summary, past_retention=False, settle=MAIN.settle)
    assert found == made
    assert len(pipeline.raw.manifests(lake, API.name, TENANT, window, None)) == 1


def test_an_old_read_is_handed_over_and_graph_is_asked_too(
    graph: Counting, lake: Lake, window: Window
) -> None:
    """What was asked more than six hours ago is loaded, and does not stand for now."""
    run = Run(MAIN, window, "graph", "run")
    graph.world.now -= timedelta(hours=7)
    early = replace(run, window=Window(window.start - 4 * PARTITION, window.end - 4 * PARTITION))
    first = extract(early, graph, lake)
    graph.world.now += timedelta(hours=7)
    again = extract(replace(early, attempt=2), graph, lake)
    assert again["reads"][:1] == first["reads"]
    assert (len(again["reads"]), graph.reads) == (2, 2)
    load(run, again, lake)
    assert len(list(ledger.records(lake, API.name, TENANT))) == 2
    assert verify(lake).ok


def test_read_it_again_reads(graph: Counting, lake: Lake, window: Window) -> None:
    """A read with a record is never taken again, though Airflow's names of runs come again."""
    run = Run(MAIN, window, "graph", "backfill")
    for reads in (1, 2):
        load(run, extract(run, graph, lake), lake)
        assert graph.reads == reads
        assert len(list(ledger.records(lake, API.name, TENANT))) == reads
        graph.world.now += timedelta(seconds=1)
    assert told(lake, window) == (State.PROVISIONAL, 10), "two answers within an hour"


def test_upkeep_loads_what_waits_longer_than_a_day(
    graph: Counting, lake: Lake, window: Window
) -> None:
    """A run that was given up after extract: its read waits, and is then loaded; never lost."""
    extract(Run(MAIN, window, "graph", "run"), graph, lake)
    assert verify(lake).ok, "a load may still come"
    soon, later = (datetime.now(UTC) + timedelta(hours=h) for h in (23, 25))
    assert upkeep.tidy(lake, None, None, soon)["loaded"] == 0
    assert upkeep.tidy(lake, None, None, later)["loaded"] == 1
    assert told(lake, window) == (State.PROVISIONAL, 10)
    assert verify(lake).ok
    assert upkeep.tidy(lake, None, None, later)["loaded"] == 0


def test_retention_is_judged_by_when_the_read_was_asked(
    graph: Counting, lake: Lake, window: Window
) -> None:
    """Extract, cleared long after authenticate, is past retention then, whatever was before."""
    run = Run(MAIN, window, "graph", "run")
    graph.world.now += timedelta(days=29)
    load(run, extract(run, graph, lake), lake)
    assert told(lake, window)[0] is State.COMPLETE
    graph.world.now += timedelta(days=2)
    again = replace(run, run_id="again")
    load(again, extract(again, graph, lake), lake)
    assert [r.past_retention for r in ledger.records(lake, API.name, TENANT)] == [False, True]
    graph.kept = KEPT
    graph.world.now += timedelta(seconds=1)
    third = replace(run, run_id="third")
    load(third, extract(third, graph, lake), lake)
    assert [r.events for r in ledger.records(lake, API.name, TENANT)] == [10, 10, 0]
    assert told(lake, window) == (State.COMPLETE, 10)


def test_too_old_for_graph_though_young_is_a_wrong_setting(
    graph: Counting, lake: Lake, window: Window
) -> None:
    """Refused with the setting to correct, in extract as in authenticate."""
    graph.kept = timedelta(days=7)
    graph.world.now += timedelta(days=8)
    with pytest.raises(Refused, match="set ENTRA_RETENTION_DAYS"):
        extract(Run(MAIN, window, "graph", "run"), graph, lake)


@pytest.mark.parametrize("loaded_late", [True, False], ids=["loaded as late", "loaded before"])
def test_a_sweep_is_done_only_by_what_was_loaded_as_late(
    graph: Counting, lake: Lake, window: Window, *, loaded_late: bool
) -> None:
    """A time that one answer told does not silence the sweeps: they come by the worker's clock."""
    if loaded_late:
        window = Window(window.start - timedelta(days=4), window.end - timedelta(days=4))
    else:
        graph.world.now = window.end + timedelta(days=4)
    run = Run(MAIN, window, "graph", "run")
    load(run, extract(run, graph, lake), lake)
    graph.world.now += timedelta(seconds=1)
    swept = extract(Run(SWEEP_3D, window, "graph", "sweep"), graph, lake)
    assert len(swept["reads"]) == (0 if loaded_late else 1)


def test_a_read_past_retention_is_no_sweep(graph: Counting, lake: Lake, window: Window) -> None:
    """It may have brought a part of what Graph still had: the sweep reads."""
    window = Window(window.start - timedelta(days=4), window.end - timedelta(days=4))
    run = Run(MAIN, window, "graph", "run")
    load(run, extract(run, graph, lake, kept=timedelta(days=1)), lake)
    assert [r.past_retention for r in ledger.records(lake, API.name, TENANT)] == [True]
    graph.world.now += timedelta(seconds=1)
    swept = extract(Run(SWEEP_3D, window, "graph", "sweep"), graph, lake)
    assert len(swept["reads"]) == 1


def test_a_wider_read_that_is_being_loaded_has_the_last_word(
    graph: Counting, lake: Lake, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event changed and changed back; the read between is loaded while the last one is at it."""
    before = Window(window.start - PARTITION, window.end)

    def changes(risk: str) -> None:
        graph.world.now += timedelta(seconds=10)
        at = utc_text(window.start)
        graph.world.put({"id": "e", "createdDateTime": at, "riskState": risk}, graph.world.now)

    changes("none")
    first = Run(MAIN, window, "graph", "first")
    load(first, extract(first, graph, lake), lake)
    changes("atRisk")
    second = Run(MAIN, window, "graph", "second")
    between = extract(second, graph, lake)
    changes("none")
    third = Run(MAIN, before, "graph", "third")
    last = extract(third, graph, lake)
    append = ledger.append

    def after_another(lake: Lake, record: LedgerRecord) -> None:
        monkeypatch.setattr(ledger, "append", append)
        load(second, between, lake)
        append(lake, record)

    monkeypatch.setattr(ledger, "append", after_another)
    load(third, last, lake)
    body = lake.store.get(layout.table_file(API.table.name, TENANT, window.start))
    assert body
    rows = {row["id"]: row for row in pq.read_table(io.BytesIO(body)).to_pylist()}
    assert rows["e"]["risk_state"] == "none"
    assert verify(lake).ok


def test_a_forgotten_read_that_is_broken_holds_up_nothing(
    graph: Counting, lake: Lake, window: Window
) -> None:
    """Upkeep does all else, then names it."""
    read = extract(Run(MAIN, window, "graph", "broken"), graph, lake)["reads"][0]
    graph.world.now += timedelta(seconds=1)
    extract(Run(MAIN, window, "graph", "whole"), graph, lake)
    lake.store.delete([read.replace(layout.MANIFEST_SUFFIX, layout.RAW_SUFFIX)])
    later = datetime.now(UTC) + timedelta(hours=25)
    with pytest.raises(Corrupt, match="is missing from raw"):
        upkeep.tidy(lake, None, None, later)
    assert told(lake, window) == (State.PROVISIONAL, 10)
    assert [r.run_id for r in ledger.records(lake)] == ["whole"]


def test_a_note_of_a_waiting_read_that_is_cut_stops_nobody(
    graph: Counting, lake: Lake, window: Window
) -> None:
    """Its read is named by verify, and loaded by what verify says."""
    extract(Run(MAIN, window, "graph", "run"), graph, lake)
    for note in list(lake.store.list(layout.WAITING)):
        lake.store.put(note.key, b"")
    assert "rebuild-ledger" in verify(lake).lines[0]
    upkeep.tidy(lake, None, None)
    assert rebuild_ledger(lake, API.table) == 1
    assert verify(lake).ok
    assert not list(lake.store.list(layout.WAITING))


def test_a_damaged_manifest_of_an_earlier_read_stops_no_load(
    graph: Counting, lake: Lake, window: Window
) -> None:
    """It has no say in what was asked after it; verify names it."""
    first = Run(MAIN, window, "graph", "first")
    read = extract(first, graph, lake)
    load(first, read, lake)
    lake.store.put(read["reads"][0], b"{")
    at = utc_text(window.start)
    graph.world.put({"id": "late", "createdDateTime": at}, graph.world.now)
    graph.world.now += timedelta(seconds=1)
    second = Run(MAIN, window, "graph", "second")
    load(second, extract(second, graph, lake), lake)
    assert told(lake, window) == (State.PROVISIONAL, 11)
    assert not verify(lake).ok
