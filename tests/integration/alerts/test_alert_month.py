"""A month through the pipeline into a lake, and a watch over it: health, and real faults."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs import pipeline
from include.entra_logs.api import PARTITION, Api, Schedule, Window, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.lake import Lake, open_lake
from include.entra_logs.ledger import ledger
from include.entra_logs.pipeline import Run
from include.entra_logs.watch.asking import runs_of
from include.entra_logs.watch.cause import Cause
from include.entra_logs.watch.causes import causes
from include.entra_logs.watch.changes import changes
from include.entra_logs.watch.message import message
from include.entra_logs.watch.seen import see
from tests.kit.budget import counted
from tests.kit.scripted_graph import TENANT, ScriptedGraph, World

FIRST = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = timedelta(days=30)
RUN = timedelta(minutes=1)
LATE = (timedelta(minutes=20), timedelta(hours=5), timedelta(days=2))


@dataclass
class Company:
    """One API of a tenant, its DAGs run by the clock, and a watch that remembers what it told."""

    api: Api
    lake: Lake
    world: World
    first: datetime = FIRST
    told: tuple[Cause, ...] = ()
    runs: dict[tuple[str, datetime], str] = field(default_factory=dict)
    """What Airflow knows: by DAG and logical date the state."""

    def happen(self, start: datetime, events: int = 12, **more: Any) -> None:
        """Events of the two hours from `start` on; every fourth becomes visible late."""
        for n in range(events):
            at = start + n * PARTITION / events + timedelta(microseconds=n)
            late = LATE[n % len(LATE)] if n % 4 == 0 else timedelta(minutes=2)
            self.world.put(self.event(f"{start:%m%d%H}-{n}", at, **more), at + late)

    def event(self, name: str | None, at: datetime, **more: Any) -> dict[str, Any]:
        """An event of the API."""
        times = {self.api.table.event_time: utc_text(at)}
        if self.api.table.updated_time:
            times[self.api.table.updated_time] = utc_text(at)
        return {"id": name} | times | more

    def run(self, schedule: Schedule, start: datetime, short: int = 0) -> None:
        """The four verbs, and the run is green; Graph leaves out `short` events of its answer."""
        run = Run(schedule, Window(start, start + PARTITION), "graph", f"run-{len(self.runs)}")
        graph: Any = ScriptedGraph(self.world, short)
        access = pipeline.authenticate(run, graph, self.lake, DAYS)
        reads = pipeline.extract(run, access, graph, self.lake, DAYS)
        pipeline.load(run, pipeline.normalise(run, reads, self.lake), self.lake)
        self.runs[schedule.dag_id, start] = "success"

    def pass_time(self, until: datetime, *, down: bool = False) -> None:
        """Every run that comes due, in its order, unless Airflow is `down`."""
        span = Window(self.first, until)
        due = [
            (start + PARTITION + s.settle, s, start)
            for s in self.api.schedules()
            for start in span.partitions()
        ]
        begun = self.world.now
        for at, schedule, start in sorted(due, key=lambda each: (each[0], each[1].dag_id)):
            if begun < at + RUN <= until:
                self.world.now = at + RUN
                if not down:
                    self.run(schedule, start)
        self.world.now = until

    def count(self, dag_id: str, dates: Any, states: Any) -> int:
        """How many runs Airflow has; an empty sequence means any."""
        return sum(
            dag == dag_id and (not dates or date in dates) and (not states or state in states)
            for (dag, date), state in self.runs.items()
        )

    def watch(self) -> list[str]:
        """What a notification would say now; nothing if there is none."""
        records = ledger.records(self.lake, self.api.name)
        seen = see(self.api, TENANT, records, self.world.now, start=self.first, horizon=DAYS)
        found = changes(self.told, causes(seen, runs_of(seen, self.count)))
        self.told = found.told
        return list(message(found).lines) if found.any else []


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """Sign-ins of a company at the month's beginning."""
    api = CATALOGUE["sign_ins"]
    made = Company(api, open_lake((tmp_path / "lake").as_uri()), World(api, FIRST))
    for start in Window(FIRST, FIRST + timedelta(days=4)).partitions():
        made.happen(start)
    return made


@pytest.mark.slow
@pytest.mark.long(50)
@pytest.mark.parametrize(
    ("name", "days"), [("sign_ins", 12), ("directory_audits", 6), ("risk_detections", 6)]
)
def test_a_healthy_month_is_silent(tmp_path: Path, name: str, days: int) -> None:
    """Late events, sweeps, changes, hours without any event: nothing of it is an alert.

    Twelve days have every pair of an empty interval and a minute past (a week has them all), nine
    days of the last sweep, and the end of a month, where the ledger begins a new part.
    """
    api = CATALOGUE[name]
    days = counted(quick=4, ci=days)
    first = datetime(2026, 11, 1, tzinfo=UTC) - timedelta(days=days // 2)
    lake = open_lake((tmp_path / "lake").as_uri())
    company = Company(api, lake, World(api, first), first)
    for number, start in enumerate(Window(first, first + timedelta(days)).partitions()):
        company.happen(start, events=0 if number % 7 == 3 else 12)
        company.pass_time(start + PARTITION + timedelta(minutes=10 * (number % 12)))
        if number % 5 == 0:  # at every minute past that the line above makes
            assert company.watch() == []
        if number % 24 == 0:
            ledger.roll_up(company.lake)
    assert len(list(ledger.records(company.lake, name))) >= 12 * days * 2
    assert company.told == ()


def test_an_outage_is_told_when_it_shows_and_when_it_is_mended(company: Company) -> None:
    """Airflow is down for a night: behind, once; then a gap, once; then over, once."""
    night, morning = FIRST + timedelta(hours=20), FIRST + timedelta(hours=30)
    company.pass_time(night)
    assert company.watch() == []
    company.pass_time(morning, down=True)
    behind, unswept = company.watch()
    assert "the newest interval in the lake ended 2026-10-01 18:00 UTC" in behind
    assert "Airflow has made no run of entra_sign_ins since" in behind
    assert "was not read again for what came late: Airflow never made a run" in unswept
    assert company.watch() == []
    main, sweep, _ = company.api.schedules()
    company.run(main, morning - 2 * PARTITION)
    gap = "[2026-10-01T18:00:00Z, 2026-10-02T02:00:00Z)"
    missing, over = company.watch()
    assert f"{gap} is missing from the lake: Airflow never made a run" in missing
    assert over == "Over: sign_ins: behind its freshness target."
    for start in Window(FIRST, morning - 2 * PARTITION).partitions():
        company.run(main if start >= night - PARTITION else sweep, start)
    first, second = sorted(company.watch())
    assert first == f"Over: sign_ins entra_sign_ins {gap}: missing."
    assert second.startswith("Over: sign_ins entra_sign_ins_sweep_6h [")
    assert company.watch() == []


def test_a_short_answer_is_told_as_disputed_until_a_read_decides(company: Company) -> None:
    """The sweep finds that Graph's first answer was cut; the next read of the interval ends it."""
    main, sweep, _ = company.api.schedules()
    start = FIRST + 5 * PARTITION
    company.happen(start + timedelta(seconds=1), events=120)
    company.pass_time(start + PARTITION)
    company.world.now = start + PARTITION + main.settle
    company.run(main, start, short=60)
    assert company.watch() == []
    company.world.now = start + PARTITION + sweep.settle
    company.run(sweep, start)
    told = [line for line in company.watch() if "disagree" in line]
    window = Window(start, start + PARTITION)
    assert len(told) == 1
    assert str(window) in told[0]
    assert [line for line in company.watch() if "disagree" in line] == []
    company.world.now += timedelta(hours=1)
    company.run(main, start)
    assert f"Over: sign_ins {window}: disputed." in company.watch()


def test_defects_and_new_properties_are_told_once(company: Company) -> None:
    """A row without an id, a property without a column: the next interval with it adds nothing."""
    start = FIRST + 2 * PARTITION
    for n in range(2):
        at = start + n * PARTITION + timedelta(minutes=5)
        company.world.put(company.event(None, at), at)
        company.world.put(company.event(f"new-{n}", at, somethingNew="x"), at)
    company.pass_time(start + PARTITION + timedelta(minutes=20))
    rejects, surprise = company.watch()
    assert f"in what Graph sent for {Window(start, start + PARTITION)}: 1." in rejects
    assert "somethingNew: string has no column" in surprise
    company.pass_time(start + 2 * PARTITION + timedelta(minutes=20))
    assert company.watch() == []
    company.pass_time(start + 3 * PARTITION + timedelta(minutes=20))
    assert company.watch() == []
