"""Histories of a lake in any order against a model: the tables are right after every step."""

import itertools
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from include.entra_logs import pipeline
from include.entra_logs.api import PARTITION, Api, Schedule, Window, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.lake import Lake, open_lake
from include.entra_logs.lake.raw import ReadManifest
from include.entra_logs.lake.waiting import waiting
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.states import State, states
from include.entra_logs.pipeline import Run
from include.entra_logs.proof import upkeep
from include.entra_logs.proof.verify import verify
from tests.kit.azurite import Azurite
from tests.kit.budget import counted
from tests.kit.lake_model import Model, stored
from tests.kit.scripted_graph import TENANT, Event, ScriptedGraph, World

BASE = datetime(2026, 11, 2, tzinfo=UTC)
SPAN = 3
WINDOWS = [Window(BASE + n * PARTITION, BASE + (n + 1) * PARTITION) for n in range(SPAN)]
WIDE = Window(BASE, BASE + SPAN * PARTITION)
FOREVER = timedelta(days=36500)
IDS = st.sampled_from(["a", "b", "é\u0000\U0001f600", 'q"/\\'])
STATES = st.sampled_from(["none", "atRisk", "remediated"])


class Crash(BaseException):
    """The process ends here."""


class CrashingStore:
    """A store that ends the process at its n-th write."""

    def __init__(self, store: Any, writes: int) -> None:
        self._store = store
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in ("put", "put_if_absent", "replace_if_unchanged", "delete", "delete_prefix"):
            return found

        def write(*args: Any, **kwargs: Any) -> Any:
            if self._left == 0:
                raise Crash
            self._left -= 1
            return found(*args, **kwargs)

        return write


class History(RuleBasedStateMachine):
    """Reads, sweeps, updates, backfills, replays, crashes, concurrent loads in any order."""

    api: Api

    @contextmanager
    def new_lake(self) -> Iterator[Lake]:
        """A lake that nobody has used."""
        with tempfile.TemporaryDirectory() as folder:
            yield open_lake((Path(folder) / "lake").as_uri())

    @initialize(api=st.sampled_from(sorted(CATALOGUE)))
    def begin(self, api: str) -> None:
        """An empty lake, and a Graph that keeps one API."""
        self.api = CATALOGUE[api]
        self._opened = self.new_lake()
        self.lake = self._opened.__enter__()
        self.world = World(self.api, BASE + timedelta(hours=6, minutes=15))
        self.model = Model(self.api)
        self.extracted: list[tuple[Run, dict[str, Any]]] = []
        self.answers: dict[str, list[Event]] = {}
        self.numbers = itertools.count()

    def teardown(self) -> None:
        """The ledger's claims are proved by raw; then the lake is removed."""
        if hasattr(self, "_opened"):
            for run, handover in self.extracted:
                self._load(run, handover, self.lake)
            report = verify(self.lake, self.api.name)
            self._opened.__exit__(None, None, None)
            assert report.ok, report.lines

    # the world

    @rule(
        event_id=IDS,
        minute=st.integers(0, SPAN * 120 - 1),
        micro=st.sampled_from([0, 1, 999_999]),
        state=STATES,
        late=st.sampled_from([0, 1, 5, 60]),
    )
    def happen(self, event_id: str, minute: int, micro: int, state: str, late: int) -> None:
        """An event, shown by Graph at once or later."""
        at = BASE + timedelta(minutes=minute, microseconds=micro)
        event: Event = {"id": event_id, self.api.table.event_time: utc_text(at)}
        if (event_id, utc_text(at)) in self.world.versions:
            return
        self.world.put(self._version(event, state, at), self.world.now + timedelta(hours=late))

    @precondition(lambda self: self.world.versions)
    @rule(data=st.data(), state=STATES, same_version=st.booleans())
    def change(self, data: st.DataObject, state: str, same_version: bool) -> None:  # noqa: FBT001  drawn by Hypothesis
        """Another version of an event, which may be one that it had before."""
        key = data.draw(st.sampled_from(sorted(self.world.versions)))
        visible_at, event = self.world.versions[key][-1]
        changed = self._version(event, state, self.world.now)
        if same_version and self.api.table.updated_time:
            changed[self.api.table.updated_time] = event[self.api.table.updated_time]
        self.world.put(changed, max(visible_at, self.world.now))

    def _version(self, event: Event, state: str, updated: datetime) -> Event:
        field = "result" if self.api.name == "directory_audits" else "riskState"
        version = {**event, field: state}
        if self.api.table.updated_time:
            version[self.api.table.updated_time] = utc_text(updated)
        return version

    @rule(hours=st.sampled_from([1, 6, 30, 72]))
    def wait(self, hours: int) -> None:
        """Time passes."""
        self.world.now += timedelta(hours=hours)

    # reads

    def _run(self, schedule: Schedule, window: Window, source: str = "graph") -> Run:
        return Run(schedule, window, source, f"run {next(self.numbers)}")

    def _extract(self, run: Run, short: int, tick: int = 1) -> tuple[Run, dict[str, Any]] | None:
        """A complete read in raw; None if there was nothing to do, or the window is not settled."""
        self.world.now += timedelta(seconds=tick)
        graph: Any = ScriptedGraph(self.world, short)
        if self.world.now < run.window.end + run.schedule.settle:
            return None
        access = pipeline.authenticate(run, graph, self.lake, FOREVER)
        handover = pipeline.extract(run, access, graph, self.lake, FOREVER)
        if not handover["reads"]:
            assert run.schedule.is_sweep
            return None
        assert len(handover["reads"]) == 1, "a read that waits belongs to another run"
        self._remember(run, short)
        return run, handover

    def _remember(self, run: Run, short: int) -> None:
        """What Graph has just answered, by the ids of reads that are new in raw."""
        events = self.world.visible(run.window, run.schedule.filter_by)
        kind = run.schedule.kind
        found = pipeline.raw.manifests(self.lake, self.api.name, TENANT, run.window, kind)
        for read in found:
            self.answers.setdefault(read.read_id, events[: len(events) - short])

    def _read(self, key: str) -> ReadManifest:
        return pipeline.raw.manifest(self.lake, key)

    def _is_loaded(self, handover: dict[str, Any]) -> None:
        """The model has the reads that this hands over."""
        for key in handover["reads"]:
            read = self._read(key)
            self.model.loaded(read.read_at, self.answers[read.read_id], read.read_id)

    def _load(self, run: Run, handover: dict[str, Any], lake: Lake) -> None:
        pipeline.load(run, pipeline.normalise(run, handover, lake), lake)

    @rule(
        data=st.data(),
        window=st.sampled_from([*WINDOWS, WIDE]),
        short=st.sampled_from([0, 0, 0, 1, 2]),
        keep=st.booleans(),
        tick=st.sampled_from([1, 1, 0]),
    )
    def read(
        self,
        data: st.DataObject,
        window: Window,
        short: int,
        keep: bool,  # noqa: FBT001  drawn by Hypothesis
        tick: int,
    ) -> None:
        """A read by one of the API's schedules, loaded at once or left to be loaded later."""
        schedule = data.draw(st.sampled_from(self.api.schedules()))
        if schedule.kind == "updates":
            window = Window(self.world.now - timedelta(days=4), self.world.now - timedelta(hours=1))
        found = self._extract(self._run(schedule, window), short, tick)
        if not found:
            return
        if keep:
            self.extracted.append(found)
            return
        self._load(found[0], found[1], self.lake)
        self._is_loaded(found[1])

    @precondition(lambda self: self.extracted)
    @rule(data=st.data())
    def load_late(self, data: st.DataObject) -> None:
        """A read that was extracted before is loaded now, whatever was loaded meanwhile."""
        at = data.draw(st.integers(0, len(self.extracted) - 1))
        run, handover = self.extracted.pop(at)
        self._load(run, handover, self.lake)
        self._is_loaded(handover)

    @precondition(lambda self: len(self.extracted) > 1)
    @rule()
    def load_two_at_once(self) -> None:
        """Two loads at once: both survive."""
        two = [self.extracted.pop(), self.extracted.pop()]
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda each: self._load(each[0], each[1], self.lake), two))
        for _, handover in two:
            self._is_loaded(handover)

    @precondition(lambda self: self.extracted)
    @rule(writes=st.integers(0, 8))
    def crash(self, writes: int) -> None:
        """A load ends at any write; nothing is lost or doubled, and the next try mends all."""
        run, handover = self.extracted.pop()
        before = stored(self.lake, self.api)
        crashing = replace(self.lake, store=CrashingStore(self.lake.store, writes))
        try:
            self._load(run, handover, crashing)
        except Crash:
            between = stored(self.lake, self.api)
            assert before.keys() <= between.keys()
            self._load(run, handover, self.lake)
        self._is_loaded(handover)

    @rule(
        data=st.data(),
        window=st.sampled_from(WINDOWS),
        writes=st.integers(0, 9),
        hours=st.sampled_from([0, 0, 7]),
    )
    def extract_killed(self, data: st.DataObject, window: Window, writes: int, hours: int) -> None:
        """An extract ends at any write and is done again: one answer is one read, none is lost."""
        schedule = data.draw(st.sampled_from(self.api.schedules()))
        run = self._run(schedule, window)
        self.world.now += timedelta(seconds=1)
        if self.world.now < window.end + schedule.settle:
            return
        graph: Any = ScriptedGraph(self.world)
        access = pipeline.authenticate(run, graph, self.lake, FOREVER)
        crashing = replace(self.lake, store=CrashingStore(self.lake.store, writes))
        before = set(self.answers)
        try:
            handover = pipeline.extract(run, access, graph, crashing, FOREVER)
        except Crash:
            self._remember(run, 0)
            self.world.now += timedelta(hours=hours)
            handover = pipeline.extract(replace(run, attempt=2), access, graph, self.lake, FOREVER)
        self._remember(run, 0)
        new = {self._read(key).read_id for key in handover["reads"]}
        assert set(self.answers) - before <= new, "a complete read was left behind"
        self._load(run, handover, self.lake)
        self._is_loaded(handover)

    @rule()
    def upkeep(self) -> None:
        """A day later, what waits is loaded, and nothing that is needed is removed."""
        waits = [
            read
            for read, _ in waiting(self.lake, self.api.name, TENANT)
            if self.lake.store.tag(read.manifest) is not None
        ]
        upkeep.tidy(self.lake, None, None, datetime.now(UTC) + timedelta(days=2))
        for read in waits:
            self.model.loaded(read.read_at, self.answers[read.read_id], read.read_id)

    @rule(data=st.data(), window=st.sampled_from([*WINDOWS, WIDE]))
    def replay(self, data: st.DataObject, window: Window) -> None:
        """All complete reads of a schedule in the window, loaded or not yet, from raw."""
        schedule = data.draw(st.sampled_from(self.api.schedules()))
        run = self._run(schedule, window, "raw")
        access = pipeline.authenticate(run, None, self.lake, FOREVER)
        handover = pipeline.extract(run, access, None, self.lake, FOREVER)
        self._load(run, handover, self.lake)
        self._is_loaded(handover)

    @invariant()
    def tables_equal_the_model(self) -> None:
        """Every event once, in its newest version, with when it came and when it changed."""
        if not hasattr(self, "lake"):
            return
        expected = self.model.expected()
        found = stored(self.lake, self.api)
        assert found.keys() == expected.keys()
        for key, row in expected.items():
            assert found[key] == row, key

    @invariant()
    def ledger_knows_every_load(self) -> None:
        """One record for each read that was loaded, and no other."""
        if hasattr(self, "lake"):
            records = ledger.records(self.lake, self.api.name, TENANT)
            assert {(r.read_at, r.read_id) for r in records} == self.model.reads.keys()

    @invariant()
    def what_is_told_is_so(self) -> None:
        """Events and late of each interval are those of the table; no state has too few answers."""
        if not hasattr(self, "lake"):
            return
        records = list(ledger.records(self.lake, self.api.name, TENANT))
        rows = [(key[1], row.first_seen_at) for key, row in stored(self.lake, self.api).items()]
        for told in states(self.api, TENANT, records, WIDE):
            seen = [at for time, at in rows if datetime.fromisoformat(time) in told.interval]
            assert told.events == len(seen), told.interval
            whole = sorted(
                {
                    (r.read_at, r.read_id)
                    for r in records
                    if r.covers(told.interval) and r.filter_by == self.api.table.event_time
                }
            )
            due = told.interval.end + self.api.settle
            timely = [at for at, _ in whole if due <= at <= due + timedelta(hours=2)]
            can_be_said = bool(timely) and whole[-1][0] > timely[0]
            late = sum(at > timely[0] for at in seen) if can_be_said else None
            assert told.late == late, told.interval
            if told.state is State.VERIFIED:
                assert whole[-1][0] - whole[0][0] >= timedelta(hours=1), told.interval

    @invariant()
    def the_proof_is_green(self) -> None:
        """Nothing is wrong at any moment, also while reads wait to be loaded."""
        if hasattr(self, "lake"):
            report = verify(self.lake, self.api.name)
            assert report.ok, report.lines


def run_histories(machine: type[History], count: int, steps: int) -> None:
    """Run `count` histories of up to `steps` steps each."""
    run_state_machine_as_test(
        machine, settings=settings(max_examples=count, stateful_step_count=steps, deadline=None)
    )


@pytest.mark.slow
@pytest.mark.long(50)
def test_any_history_leaves_what_the_model_says() -> None:
    """Reads, sweeps, updates, backfills, replays, crashes, concurrent loads: no event lost.

    200 histories of 15 steps have each three of the nine rules in a row about three times.
    """
    run_histories(History, counted(quick=10, ci=200), 15)


@pytest.mark.slow
@pytest.mark.azurite
def test_any_history_on_azure_leaves_what_the_model_says(azurite: Azurite) -> None:
    """The same promise where objects are replaced by conditional writes."""

    class OnAzure(History):
        """A history in a container of its own."""

        @contextmanager
        def new_lake(self) -> Iterator[Lake]:
            """A lake in a new container."""
            yield azurite.lake()

    run_histories(OnAzure, counted(quick=3, ci=20), 10)
