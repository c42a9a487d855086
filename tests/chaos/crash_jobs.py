"""The jobs that `crash_points` interrupts: what lies before each, and what must hold afterwards.

Two windows' worth of detections of a small tenant: one comes late, one changes. The main read is of
twenty minutes after the window's end, the sweep of a moment ago.
"""

import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from include.entra_logs import pipeline
from include.entra_logs.api import PARTITION, Schedule, Window, partition_start, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger import ledger, removals
from include.entra_logs.ledger.states import states
from include.entra_logs.pipeline import Run
from include.entra_logs.proof import upkeep
from include.entra_logs.proof.earlier import carry_over
from include.entra_logs.proof.rebuild import rebuild
from include.entra_logs.proof.rebuild_ledger import rebuild_ledger
from include.entra_logs.proof.upgrade import upgrade
from include.entra_logs.proof.verify import verify
from tests.kit.lake_model import Model, stored
from tests.kit.scripted_graph import TENANT, ScriptedGraph, World

API = CATALOGUE["risk_detections"]
MAIN, SWEEP, _ = API.schedules()
NOW = datetime.now(UTC).replace(microsecond=0)
END = partition_start(NOW - timedelta(days=3, hours=2))
WINDOW = Window(END - 2 * PARTITION, END)
ASKED = {MAIN.kind: END + timedelta(minutes=20), SWEEP.kind: NOW}
SETTINGS = {schedule.kind: schedule for schedule in (MAIN, SWEEP)}
DAY = timedelta(days=1)
FOREVER = timedelta(days=36500)


@dataclass(frozen=True)
class Scene:
    """A lake, and beside it what tasks hand over."""

    folder: Path
    lake: Lake

    def keep(self, name: str, handover: dict[str, Any]) -> None:
        """Remember what a task handed over, as Airflow does."""
        (self.folder / f"{name}.json").write_text(json.dumps(handover))

    def kept(self, name: str) -> dict[str, Any]:
        """What was handed over."""
        found: dict[str, Any] = json.loads((self.folder / f"{name}.json").read_text())
        return found


def world(now: datetime, attempt: int) -> World:
    """What Graph shows at `now`."""
    made = World(API, now, requests=count(1000 * attempt))
    for n in range(8):
        at = WINDOW.start + n * timedelta(minutes=29)
        made.put(_event(n, at, at, "atRisk"), at)
    late = WINDOW.start + timedelta(minutes=5)
    made.put(_event(100, late, late, "none"), END + timedelta(hours=1))
    changed = END + timedelta(hours=2)
    made.put(_event(3, WINDOW.start + timedelta(minutes=87), changed, "remediated"), changed)
    return made


def _event(number: int, at: datetime, updated: datetime, state: str) -> dict[str, Any]:
    times = {"detectedDateTime": utc_text(at), "lastUpdatedDateTime": utc_text(updated)}
    return {"id": f"e{number}", "riskState": state} | times


def run_of(schedule: Schedule, attempt: int = 1, source: str = "graph") -> Run:
    """A run of the window."""
    return Run(schedule, WINDOW, source, f"{source}-{schedule.kind}", attempt)


def extract(scene: Scene, attempt: int = 1, *, schedule: Schedule, source: str = "graph") -> None:
    """Authenticate and extract; what they hand over is kept."""
    run = run_of(schedule, attempt, source)
    now = ASKED[schedule.kind] + timedelta(seconds=attempt)
    graph: Any = ScriptedGraph(world(now, attempt)) if source == "graph" else None
    access = pipeline.authenticate(run, graph, scene.lake, FOREVER)
    scene.keep(run.run_id, pipeline.extract(run, access, graph, scene.lake, FOREVER))


def normalise(scene: Scene, attempt: int = 1, *, schedule: Schedule, source: str = "graph") -> None:
    """normalise; what it hands over is kept."""
    run = run_of(schedule, attempt, source)
    tables = pipeline.normalise(run, scene.kept(run.run_id), scene.lake)
    scene.keep(f"{run.run_id}-tables", tables)


def load(scene: Scene, attempt: int = 1, *, schedule: Schedule, source: str = "graph") -> None:
    """load, and nothing else."""
    run = run_of(schedule, attempt, source)
    pipeline.load(run, scene.kept(f"{run.run_id}-tables"), scene.lake)


Verb = Callable[..., None]


def verbs(*done: Verb, **how: Any) -> Callable[..., None]:
    """These verbs one after the other."""

    def do(scene: Scene, attempt: int = 1) -> None:
        for each in done:
            each(scene, attempt, **how)

    return do


def after_another(*done: Callable[..., None]) -> Callable[..., None]:
    """These one after the other."""
    return verbs(*done)


def nothing(_scene: Scene, _attempt: int = 1) -> None:
    """Nothing."""


ALL = (extract, normalise, load)
BOTH = after_another(verbs(*ALL, schedule=MAIN), verbs(*ALL, schedule=SWEEP))


def _a_read_waits(scene: Scene, attempt: int = 1) -> None:
    """The main read is loaded; the sweep's run was given up after extract."""
    verbs(*ALL, schedule=MAIN)(scene)
    verbs(extract, normalise, schedule=SWEEP)(scene)
    scene.lake.store.put(layout.raw_file(API.name, TENANT, WINDOW, "20200101T000000Z-x-y"), b"x")


def _tidy(scene: Scene, attempt: int = 1, *, raw: Any = None, tables: Any = None) -> None:
    upkeep.tidy(scene.lake, raw, tables, NOW + 60 * DAY)


def _an_older_schema(scene: Scene, attempt: int = 1) -> None:
    BOTH(scene)
    for found in list(scene.lake.store.list(layout.TABLES)):
        body, out = scene.lake.store.get(found.key), io.BytesIO()
        assert body
        table = pq.ParquetFile(io.BytesIO(body)).read()
        pq.write_table(table.drop_columns(["risk_detail"]), out)
        scene.lake.store.put(found.key, out.getvalue())


def _the_ledger_is_lost(scene: Scene, attempt: int = 1) -> None:
    BOTH(scene)
    scene.lake.store.delete_prefix(layout.LEDGER)


def _files_are_broken_and_raw_gone(scene: Scene, attempt: int = 1) -> None:
    """What the main read brought is left in the ledger alone, but for what the sweep repeats."""
    BOTH(scene)
    upkeep.tidy(scene.lake, DAY, None, NOW)
    for found in list(scene.lake.store.list(layout.TABLES)):
        scene.lake.store.put(found.key, b"PAR1")


def _an_earlier_ledger(scene: Scene, attempt: int = 1) -> None:
    BOTH(scene)
    for record in list(ledger.records(scene.lake)):
        told = msgspec.json.decode(msgspec.json.encode(record))
        for counts in told["partitions"]:
            del counts["seen"]
        month = f"{layout.LEDGER}/records/month={layout.month(record.window_start)}"
        key = f"{month}/{API.name}/{record.record_id}.json"
        scene.lake.store.put(key, msgspec.json.encode(told))
    scene.lake.store.delete_prefix(layout.LEDGER_READS)


@dataclass(frozen=True)
class Job:
    """What is interrupted."""

    does: Callable[..., None]
    before: Callable[..., None] = nothing
    after: Callable[..., None] = nothing
    records: tuple[str, ...] = (MAIN.kind, SWEEP.kind)
    """Kinds of the records that the ledger has in the end."""
    tables: tuple[str, ...] | None = None
    """Kinds of the reads that the tables are made of; the records' unless given."""
    green: bool = True
    """Whether the proof is green before, and at any moment between."""

    def check_between(self, scene: Scene) -> None:
        """What holds whatever was interrupted: each event once, and a proof that accuses nobody."""
        if self.green:
            stored(scene.lake, API)
            report = verify(scene.lake, API.name)
            assert report.ok, f"interrupted: {report.lines}"

    def check(self, scene: Scene, records: tuple[str, ...] | None = None) -> None:
        """What holds once the job was done again."""
        kinds = self.records if records is None else records
        found = list(ledger.records(scene.lake, API.name))
        assert Counter(r.kind for r in found) == Counter(kinds), [r.record_id for r in found]
        model = Model(API)
        for record in found:
            late = record.read_at - ASKED[record.read_kind]
            assert late in (timedelta(seconds=1), timedelta(seconds=2)), record.read_at
            if self.tables is None or record.read_kind in self.tables:
                visible = world(record.read_at, 1).visible(WINDOW, API.table.event_time)
                model.loaded(record.read_at, visible)
        _is_told(scene.lake, model)
        done = upkeep.tidy(scene.lake, None, None, NOW + 30 * DAY)
        assert done["loaded"] == 0, "a read waited though its run was done"
        assert stored(scene.lake, API) == model.expected()
        left = [f.key for f in scene.lake.store.list(layout.STAGING) if f.key != layout.LOCK]
        assert not left, left
        _raw_is_whole(scene.lake)

    def given_up(self, scene: Scene) -> None:
        """Nobody does the job again: what was read whole is loaded a day later."""
        self.check_between(scene)
        whole = {f.key for f in scene.lake.store.list(layout.RAW) if f.key.endswith(".json")}
        upkeep.tidy(scene.lake, None, None, NOW + 2 * DAY)
        records = tuple(k for k in self.records if any(f"-{k}-" in key for key in whole))
        self.check(scene, records)


def _is_told(lake: Lake, model: Model) -> None:
    """The tables are the model's, the ledger says the same of them, and the proof is green."""
    rows = stored(lake, API)
    assert rows == model.expected(), "the tables are not what the reads say"
    records = list(ledger.records(lake, API.name))
    lowered = removals.lowered(lake, API.name, TENANT)
    for told in states(API, TENANT, records, WINDOW, lowered):
        seen = [
            row.first_seen_at
            for (_, at), row in rows.items()
            if datetime.fromisoformat(at) in told.interval
        ]
        assert told.events == len(seen), f"{told.interval} has {told.events}, not {len(seen)}"
        if told.late is not None:
            first = min(r.read_at for r in records)
            assert told.late == sum(at > first for at in seen), f"late {told.late}"
    report = verify(lake, API.name)
    assert report.ok, report.lines


def _raw_is_whole(lake: Lake) -> None:
    keys = [found.key for found in lake.store.list(layout.RAW)]
    pages, manifests = (
        {key.removesuffix(end) for key in keys if key.endswith(end)}
        for end in (layout.RAW_SUFFIX, layout.MANIFEST_SUFFIX)
    )
    assert pages == manifests, pages ^ manifests


def _alone(scene: Scene, attempt: int = 1) -> None:
    """The main read is in raw and normalised, and not loaded; the sweep is."""
    verbs(extract, normalise, schedule=MAIN)(scene)
    verbs(*ALL, schedule=SWEEP)(scene)


_RAW = {"schedule": MAIN, "source": "raw"}
JOBS = {
    "extract": Job(
        verbs(extract, schedule=SWEEP),
        after=verbs(normalise, load, schedule=SWEEP),
        records=(SWEEP.kind,),
    ),
    "extract a sweep": Job(
        verbs(extract, schedule=SWEEP),
        before=verbs(*ALL, schedule=MAIN),
        after=verbs(normalise, load, schedule=SWEEP),
    ),
    "normalise": Job(
        verbs(normalise, schedule=SWEEP),
        before=after_another(verbs(*ALL, schedule=MAIN), verbs(extract, schedule=SWEEP)),
        after=verbs(load, schedule=SWEEP),
    ),
    "load": Job(
        verbs(load, schedule=MAIN),
        before=verbs(extract, normalise, schedule=MAIN),
        records=(MAIN.kind,),
    ),
    "load a sweep": Job(
        verbs(load, schedule=SWEEP),
        before=after_another(verbs(*ALL, schedule=MAIN), verbs(extract, normalise, schedule=SWEEP)),
    ),
    "load out of order": Job(verbs(load, schedule=MAIN), before=_alone),
    "replay": Job(
        verbs(load, **_RAW),
        before=after_another(BOTH, verbs(extract, normalise, **_RAW)),
        records=(MAIN.kind, SWEEP.kind, "replay"),
    ),
    "roll-up": Job(lambda scene, _: ledger.roll_up(scene.lake), before=BOTH),
    "upkeep": Job(lambda scene, _: _tidy(scene, raw=DAY), before=_a_read_waits),
    "upkeep of old tables": Job(
        lambda scene, _: _tidy(scene, raw=DAY, tables=DAY), before=BOTH, tables=()
    ),
    "rebuild": Job(lambda scene, _: rebuild(scene.lake, API.table), before=BOTH),
    "rebuild what raw has left": Job(
        lambda scene, _: rebuild(scene.lake, API.table),
        before=_files_are_broken_and_raw_gone,
        tables=(SWEEP.kind,),
        green=False,
    ),
    "upgrade": Job(lambda scene, _: upgrade(scene.lake, API.table), before=_an_older_schema),
    "rebuild-ledger": Job(
        lambda scene, _: rebuild_ledger(scene.lake, API.table),
        before=_the_ledger_is_lost,
        green=False,
    ),
    "carry over": Job(
        lambda scene, _: carry_over(scene.lake), before=_an_earlier_ledger, green=False
    ),
}
"""By name; the names are told when one fails."""
