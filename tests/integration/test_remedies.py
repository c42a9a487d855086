"""The command that a sentence names is taken out of it, typed, and the fault is over."""

import argparse
import dataclasses
import io
import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from include.entra_logs import pipeline
from include.entra_logs.__main__ import app
from include.entra_logs.api import PARTITION, Schedule, Window, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import EntraLakeError, Refused
from include.entra_logs.lake import Lake, layout, open_lake, raw
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import FirstSeen, LedgerRecord
from include.entra_logs.pipeline import Run
from include.entra_logs.proof import upkeep, verify
from include.entra_logs.proof.earlier import require_carried_over
from include.entra_logs.proof.upgrade import upgrade
from include.entra_logs.schema import table_schema
from include.entra_logs.watch.cause import Cause, Kind
from include.entra_logs.watch.causes import causes
from include.entra_logs.watch.seen import Runs, see
from include.lake_page import views
from tests.kit.lake_model import stored
from tests.kit.scripted_graph import TENANT, ScriptedGraph, World

API = CATALOGUE["risk_detections"]
MAIN, SWEEP, UPDATES = API.schedules()
SCHEDULES = {s.dag_id: s for api in CATALOGUE.values() for s in api.schedules()}
START = datetime(2026, 11, 2, tzinfo=UTC)
WINDOWS = [Window(START + n * PARTITION, START + (n + 1) * PARTITION) for n in range(3)]
DAMAGED = WINDOWS[1]
FOREVER = timedelta(days=36500)
KEY = layout.table_file(API.name, TENANT, DAMAGED.start)


def airflow() -> argparse.ArgumentParser:
    """As much of Airflow's command line as remedies use; anything else is an error."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    create = parser.add_subparsers(required=True).add_parser("backfill")
    create = create.add_subparsers(required=True).add_parser("create")
    create.add_argument("--dag-id", choices=SCHEDULES, required=True)
    create.add_argument("--from-date", type=datetime.fromisoformat, required=True)
    create.add_argument("--to-date", type=datetime.fromisoformat, required=True)
    create.add_argument("--reprocess-behavior", choices=["completed"], required=True)
    create.add_argument("--dag-run-conf", type=json.loads, required=True)
    return parser


@dataclass
class Operator:
    """Somebody with a terminal, a lake, and a Graph that has three windows of detections."""

    lake: Lake
    world: World

    def run(self, schedule: Schedule, window: Window, source: str = "graph", short: int = 0) -> Any:
        """One run from extract to load; each asks Graph at another second."""
        run, reads = self.extract(schedule, window, source, short)
        return pipeline.load(run, pipeline.normalise(run, reads, self.lake), self.lake)

    def extract(
        self, schedule: Schedule, window: Window, source: str = "graph", short: int = 0
    ) -> tuple[Run, dict[str, Any]]:
        """The first two tasks of a run, and what they hand over."""
        self.world.now += timedelta(seconds=1)
        graph: Any = ScriptedGraph(self.world, short) if source == "graph" else None
        run = Run(schedule, window, source, f"{source}-{self.world.now:%d%H%M%S}")
        access = pipeline.authenticate(run, graph, self.lake, FOREVER)
        return run, pipeline.extract(run, access, graph, self.lake, FOREVER)

    def follow(self, sentence: str) -> None:
        """Type every command of the sentence, as it stands there, in a shell."""
        commands = re.findall(r"`((?:python|airflow|make) [^`]+)`", sentence)
        assert commands, f"no command in: {sentence}"
        for command in commands:
            self.type(command)

    def type(self, command: str) -> None:
        """What the shell does with it."""
        program, *words = shlex.split(command)
        if program == "airflow":
            self._backfill(words)
            return
        if program == "make":
            assert words == ["verify"]
            words = ["-m", "include.entra_logs", "verify"]
        assert words[:2] == ["-m", "include.entra_logs"]
        done = CliRunner().invoke(app, words[2:])
        assert done.exit_code == 0, done.output

    def _backfill(self, words: list[str]) -> None:
        """Each interval from the first date to the last one, inclusive, as Airflow would."""
        asked = airflow().parse_args(words)
        at = asked.from_date
        while at <= asked.to_date:
            window = Window(at, at + PARTITION)
            self.run(SCHEDULES[asked.dag_id], window, asked.dag_run_conf["source"])
            at += PARTITION

    def proof(self) -> list[str]:
        """The sentences of `verify`, without the one that sums up."""
        return verify.verify(self.lake).lines[:-1]

    def causes(self, kind: Kind, runs: Runs | None = None) -> list[Cause]:
        """What the watch tells of this kind, when all of the three windows are due."""
        records = list(ledger.records(self.lake))
        at = WINDOWS[-1].end + timedelta(days=4)
        seen = see(API, TENANT, records, at, start=START, horizon=timedelta(days=30))
        span = Window(START, WINDOWS[-1].end)
        inside = tuple(i for i in seen.intervals if i.interval.start in span)
        due = dataclasses.replace(seen, span=span, intervals=inside)
        return [cause for cause in causes(due, runs) if cause.topic.kind is kind]


def event(number: int, at: datetime) -> dict[str, Any]:
    """A detection."""
    times = {"detectedDateTime": utc_text(at), "lastUpdatedDateTime": utc_text(at)}
    return {"id": f"id-{number:03}", "riskState": "atRisk"} | times


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """A lake with main reads of three windows, six detections in each, and a sweep of the last."""
    lake, world = open_lake((tmp_path / "lake").as_uri()), World(API, WINDOWS[-1].end)
    monkeypatch.setenv("ENTRA_LAKE_URL", lake.url)
    for n in range(18):
        at = START + n * timedelta(minutes=20) + timedelta(microseconds=n)
        world.put(event(n, at), at)
    world.now += timedelta(hours=1)
    found = Operator(lake, world)
    for window in WINDOWS:
        found.run(MAIN, window)
    world.now += timedelta(days=3)
    found.run(SWEEP, WINDOWS[-1])
    assert found.proof() == []
    return found


def edit(lake: Lake, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the damaged window's file by hand."""
    body, out = lake.store.get(KEY), io.BytesIO()
    assert body
    pq.write_table(change(pq.read_table(io.BytesIO(body))), out)
    lake.store.put(KEY, out.getvalue())


def forge(lake: Lake, change: Callable[[LedgerRecord], LedgerRecord]) -> None:
    """Change the record of the damaged window by hand."""
    (record,) = ledger.records(lake, API.name, span=DAMAGED)
    lake.store.delete(layout.ledger_record(ledger.shelf_of(record), record.record_id))
    ledger.append(lake, change(record))


def counted(rows: int) -> Callable[[LedgerRecord], LedgerRecord]:
    """A record that says that its file held so many rows."""

    def change(record: LedgerRecord) -> LedgerRecord:
        (counts,) = record.partitions
        return replace(
            record, partitions=(replace(counts, seen=(FirstSeen(record.read_at, rows),)),)
        )

    return change


def lost_record(lake: Lake) -> None:
    """The record of the damaged window is gone."""
    (record,) = ledger.records(lake, API.name, span=DAMAGED)
    lake.store.delete(layout.ledger_record(ledger.shelf_of(record), record.record_id))


def broken_record(lake: Lake) -> None:
    """The record of the damaged window is no JSON."""
    (record,) = ledger.records(lake, API.name, span=DAMAGED)
    lake.store.put(layout.ledger_record(ledger.shelf_of(record), record.record_id), b"{")


def broken_month(lake: Lake) -> None:
    """The file of the month is no Parquet."""
    ledger.roll_up(lake)
    shelf = layout.Shelf.of(API.name, TENANT, DAMAGED.start)
    lake.store.put(layout.ledger_month(shelf), b"PAR1")


def lost_ledger(lake: Lake) -> None:
    """The whole ledger is gone."""
    lake.store.delete_prefix(layout.LEDGER)


def foreign(table: pa.Table) -> pa.Table:
    """One more row, that no read brought."""
    at = table.schema.get_field_index("id")
    ids = pa.array([*table["id"].to_pylist()[:-1], "zzz"])
    return pa.concat_tables([table, table.set_column(at, "id", ids).slice(len(table) - 1)])


def altered(table: pa.Table) -> pa.Table:
    """Another state in all rows."""
    at = table.schema.get_field_index("risk_state")
    return table.set_column(at, "risk_state", pa.array(["none"] * len(table)))


FAULTS: dict[str, Callable[[Lake], Any]] = {
    "a broken partition": lambda lake: lake.store.put(KEY, b"PAR1"),
    "a lost partition": lambda lake: lake.store.delete(KEY),
    "a lost row": lambda lake: edit(lake, lambda t: t.slice(1)),
    "a foreign row": lambda lake: edit(lake, foreign),
    "an altered row": lambda lake: edit(lake, altered),
    "a lost record": lost_record,
    "a lost ledger": lost_ledger,
    "a broken record": broken_record,
    "a broken month": broken_month,
    "counts too high": lambda lake: forge(lake, counted(9)),
    "counts too low": lambda lake: forge(lake, counted(2)),
    "a record of another answer": lambda lake: forge(lake, lambda r: replace(r, rejects=3)),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_verify_names_mends(operator: Operator, fault: Callable[[Lake], Any]) -> None:
    """Each sentence of the proof has the command that ends it, and nothing else is needed."""
    before = stored(operator.lake, API)
    fault(operator.lake)
    sentences = operator.proof()
    assert sentences
    for sentence in sentences:
        operator.follow(sentence)
    assert operator.proof() == []
    assert stored(operator.lake, API) == before


@pytest.mark.parametrize("schedule", [MAIN, SWEEP], ids=lambda s: s.kind)
def test_a_read_that_nobody_loads(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, schedule: Schedule
) -> None:
    """A run was given up after extract, a day ago: what verify names loads it."""
    operator.world.put(event(99, DAMAGED.start), operator.world.now)
    operator.extract(schedule, DAMAGED)
    assert operator.proof() == []
    monkeypatch.setattr(verify, "FORGOTTEN", timedelta(seconds=-1))
    (sentence,) = operator.proof()
    operator.follow(sentence)
    assert operator.proof() == []
    assert ("id-099", utc_text(DAMAGED.start)) in stored(operator.lake, API)


def test_what_upkeep_says_mends(operator: Operator) -> None:
    """The daily proof fails with a sentence whose commands end it."""
    operator.lake.store.put(KEY, b"PAR1")
    at = START + upkeep.SWEPT
    with pytest.raises(Refused) as refused:
        upkeep.verify_slice(operator.lake, at)
    operator.follow(str(refused.value))
    assert upkeep.verify_slice(operator.lake, at)["partitions"] == 3


def raised(does: Callable[[], Any]) -> str:
    """The sentence of the error that it raises."""
    with pytest.raises(EntraLakeError) as error:
        does()
    return str(error.value)


def test_what_a_load_says_mends(operator: Operator) -> None:
    """A load into a broken file names the command; then the task, cleared, succeeds."""
    operator.lake.store.put(KEY, b"PAR1")
    operator.world.put(event(99, DAMAGED.start), operator.world.now)
    run, reads = operator.extract(MAIN, DAMAGED)
    tables = pipeline.normalise(run, reads, operator.lake)
    operator.follow(raised(lambda: pipeline.load(run, tables, operator.lake)))
    pipeline.load(run, tables, operator.lake)
    assert operator.proof() == []
    assert len(stored(operator.lake, API)) == 19


@pytest.mark.parametrize("fault", [broken_record, broken_month])
def test_what_a_broken_ledger_says_mends(operator: Operator, fault: Callable[[Lake], None]) -> None:
    """A load that needs what is broken names the command; then it succeeds."""
    fault(operator.lake)
    operator.follow(raised(lambda: operator.run(SWEEP, DAMAGED)))
    operator.run(SWEEP, DAMAGED)
    assert operator.proof() == []


def test_what_an_earlier_ledger_says_mends(operator: Operator) -> None:
    """A lake of an earlier version is carried over by what each task says."""
    for record in list(ledger.records(operator.lake)):
        told = msgspec.json.decode(msgspec.json.encode(record))
        for counts in told["partitions"]:
            del counts["seen"]
        key = f"ledger/records/month=2026-11/{API.name}/{record.record_id}.json"
        operator.lake.store.put(key, msgspec.json.encode(told))
    operator.lake.store.delete_prefix(layout.LEDGER_READS)
    operator.follow(raised(lambda: require_carried_over(operator.lake)))
    assert operator.proof() == []
    assert len(list(ledger.records(operator.lake))) == 4


def test_what_an_upgrade_says_mends(operator: Operator) -> None:
    """A broken file stops the upgrade, which names what makes it again."""
    edit(operator.lake, lambda t: t.drop_columns(["risk_detail"]))
    operator.lake.store.put(KEY, b"PAR1")
    operator.follow(raised(lambda: upgrade(operator.lake, API.table)))
    upgrade(operator.lake, API.table)
    assert operator.proof() == []


def test_a_lost_answer_is_shown_by_what_the_error_names(operator: Operator) -> None:
    """Nothing makes an answer again: `make verify` says which window it was of."""
    (manifest,) = raw.manifests(operator.lake, API.name, TENANT, DAMAGED, "main")
    key = layout.raw_file(API.name, TENANT, DAMAGED, manifest.read_id)
    operator.lake.store.delete(key)
    sentence = raised(lambda: list(raw.pages(operator.lake, manifest)))
    assert "`make verify`" in sentence
    (told,) = operator.proof()
    assert str(DAMAGED) in told
    assert manifest.read_id in told


def test_a_missing_interval(operator: Operator) -> None:
    """What the watch names reads it."""
    for everything in (layout.RAW, layout.TABLES, layout.LEDGER):
        operator.lake.store.delete_prefix(everything)
    operator.run(MAIN, WINDOWS[0])
    operator.run(MAIN, WINDOWS[2])
    (cause,) = (c for c in operator.causes(Kind.MISSING) if c.topic.name == MAIN.dag_id)
    assert cause.window == DAMAGED
    operator.follow(cause.remedy)
    assert [c for c in operator.causes(Kind.MISSING) if c.topic.name == MAIN.dag_id] == []
    assert operator.proof() == []


def test_a_missing_sweep_and_search(operator: Operator) -> None:
    """What was not read again, or not searched for changes, is done by what the watch names."""
    found = operator.causes(Kind.MISSING)
    assert {c.topic.name for c in found} == {SWEEP.dag_id, UPDATES.dag_id}
    for cause in found:
        operator.follow(cause.remedy)
    assert operator.causes(Kind.MISSING) == []
    assert operator.proof() == []


def test_a_failed_run(operator: Operator) -> None:
    """What the watch names for a red run reads its interval again."""
    runs = Runs(failed={MAIN.dag_id: frozenset([DAMAGED.start])})
    (cause,) = operator.causes(Kind.FAILED, runs)
    before = len(list(ledger.records(operator.lake)))
    operator.follow(cause.remedy)
    assert len(list(ledger.records(operator.lake))) == before + 1
    assert operator.proof() == []


def test_a_disputed_interval(operator: Operator) -> None:
    """A short answer is called disputed until the read that the watch names."""
    operator.run(MAIN, DAMAGED, short=2)
    (cause,) = operator.causes(Kind.DISPUTED)
    assert cause.window == DAMAGED
    operator.follow(cause.remedy)
    assert operator.causes(Kind.DISPUTED) == []
    assert operator.proof() == []


@pytest.mark.parametrize("source", ["graph", "raw"])
def test_what_the_page_names(operator: Operator, source: str) -> None:
    """The commands of an interval's details read it, or load it from raw, again."""

    def details() -> dict[str, Any]:
        records = ledger.records(operator.lake, API.name, TENANT, DAMAGED)
        return views.details(API, TENANT, DAMAGED, records, [])

    before = details()
    operator.type(before["commands"][source])
    kinds = [read["kind"] for read in details()["reads"]]
    assert kinds == ["main", "main" if source == "graph" else "replay"]
    assert details()["events"] == before["events"]
    assert operator.proof() == []


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A version that cannot read the id of one detection; undone, one that can."""
    pages = raw.pages

    def poor(lake: Lake, read: raw.ReadManifest) -> Iterator[raw.RawPage]:
        for page in pages(lake, read):
            yield raw.RawPage(page.keep, page.body.replace(b'"id": "id-008"', b'"id": null'))

    with monkeypatch.context() as patch:
        patch.setattr(raw, "pages", poor)
        yield patch


def test_rejects(operator: Operator, blind: pytest.MonkeyPatch) -> None:
    """What a version could not read is in the table after the command, with one that can."""
    operator.world.now += timedelta(hours=2)
    operator.run(MAIN, DAMAGED)
    (cause,) = operator.causes(Kind.REJECTS)
    blind.undo()
    operator.follow(cause.remedy)
    assert operator.causes(Kind.REJECTS) == []
    assert operator.proof() == []


def test_an_older_schema(operator: Operator) -> None:
    """The command that the watch names for a new property gives old files its column."""
    edit(operator.lake, lambda t: t.drop_columns(["risk_detail"]))
    forge(operator.lake, lambda r: replace(r, surprises={"riskDetail: string": 2}))
    (cause,) = operator.causes(Kind.SURPRISE)
    (command,) = re.findall(r"`(python -m include.entra_logs upgrade)`", cause.remedy)
    operator.type(command)
    body = operator.lake.store.get(KEY)
    assert body
    assert pq.read_schema(io.BytesIO(body)).names == table_schema(API.table).names
    assert operator.proof() == []
