"""What time does to a lake: late events, sweeps, changes, short answers, retention."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.entra_logs.api import PARTITION, Api, Schedule, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.graph.client import GraphClient
from include.entra_logs.lake import open_lake
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.states import State, states
from include.entra_logs.proof.verify import verify
from include.graph_emulator.process import start_emulator
from tests.integration.pipeline.line import (
    Line,
    main_of,
    schedule_of,
    two_hours,
)
from tests.kit.budget import counted
from tests.kit.emulated import clock_of, connection

FIRST = datetime(2026, 10, 26, tzinfo=UTC)
"""Days before the end of a month, where the ledger begins a new part."""


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A tenant with many late events, small enough for a month of it."""
    folder = tmp_path_factory.mktemp("month") / "lake"
    with (
        start_emulator(
            now=FIRST.isoformat(),
            speed=0,
            sign_ins_per_day=240,
            risks_per_day=40,
            lateness="heavy",
            throttling=False,
        ) as emulator,
        GraphClient(connection(emulator), pace=0, now=clock_of(emulator)) as graph,
    ):
        yield Line(emulator, graph, open_lake(folder.as_uri()), folder, FIRST)


def due(schedules: list[Schedule], days: int) -> list[tuple[datetime, Schedule, Window]]:
    """Every run that the schedules make of the first `days`, in order of time."""
    starts = [FIRST + n * PARTITION for n in range(days * 12)]
    windows = [Window(start, start + PARTITION) for start in starts]
    found = [(w.end + s.settle, s, w) for s in schedules for w in windows]
    return sorted(found, key=lambda each: (each[0], each[1].dag_id))


def all_of(api: Api, days: int) -> Window:
    """The days of which every interval is read."""
    return Window(FIRST, FIRST + timedelta(days=days))


@pytest.mark.slow
@pytest.mark.long(90)
@pytest.mark.parametrize(("name", "days"), [("sign_ins", 12), ("risk_detections", 6)])
def test_after_the_sweeps_the_tables_are_the_truth(month: Line, name: str, days: int) -> None:
    """No late event is missing, and the ledger says how late this tenant's events were.

    Every interval is read by the same schedules against the same lateness: 12 days have nine in
    reach of the last sweep, with each hour of the week, and the end of a month.
    """
    api, days = CATALOGUE[name], counted(quick=2, ci=days)
    month.now = FIRST
    for count, (at, schedule, window) in enumerate(due(list(api.schedules()), days)):
        month.now = max(at, month.now)
        month.run(schedule, window)
        if count % 48 == 0:
            ledger.roll_up(month.lake)
    span = all_of(api, days)
    held = {each for each in month.held(api) if each[1] in span}
    truth = month.truth(api, span, at=month.now)
    in_reach = span.end - max(s.settle for s in api.sweeps)
    assert {e for e in truth - held if e[1] < in_reach} == set()
    assert held <= truth
    records = list(ledger.records(month.lake, name))
    found = list(states(api, month.tenant_id, records, span))
    assert {each.state for each in found} <= {State.VERIFIED, State.EMPTY}
    for each in found:
        there = {event for event in held if event[1] in each.interval}
        first = min(r.read_at for r in each.records if r.covers(each.interval))
        by_then = month.truth(api, each.interval, at=first)
        assert (each.events, each.late) == (len(there), len(there - by_then)), each.interval
    assert sum(each.late or 0 for each in found) > 0
    assert verify(month.lake, name).ok


def test_the_ledger_measures_the_lateness_that_the_emulator_made(month: Line) -> None:
    """An event counts in the class of the delay after which a read first could see it."""
    api = CATALOGUE["directory_audits"]
    window = Window(FIRST, FIRST + PARTITION)
    delays = [timedelta(minutes=1), timedelta(hours=3), timedelta(hours=5), timedelta(days=2)]
    month.now = window.start
    month.emulator.set_clock(month.now)
    month.emulator.add_events(
        api.name,
        [
            {
                "id": f"late-{n}",
                api.table.event_time: (window.end - timedelta(minutes=1)).isoformat(),
                "_arrives": (window.end + delay).isoformat(),
            }
            for n, delay in enumerate(delays)
        ],
    )
    before = {each for each, _ in month.truth(api, window, at=window.start + timedelta(days=9))}
    for schedule in api.schedules():
        month.now = window.end + schedule.settle
        month.run(schedule, window)
    assert {each for each, _ in month.held(api)} == before
    first = {}
    for record in ledger.records(month.lake, api.name):
        first[record.kind] = record.added
    held = month.truth(api, window, at=window.end + timedelta(minutes=16))
    assert first["main"] == len(held)
    assert first["sweep_6h"] >= 2
    assert first["sweep_3d"] >= 1


def test_a_short_answer_is_found_by_the_sweep_and_called_disputed(line: Line) -> None:
    """One read cannot see it; the second finds the events, and the window is disputed."""
    api, window = CATALOGUE["sign_ins"], two_hours(13, 8)
    line.now = window.end + timedelta(minutes=15)
    line.emulator.change(page_cap=100)
    line.emulator.plan([{"kind": "short_answer", "api": "sign_ins", "request": 3}])
    line.run(main_of("sign_ins"), window)
    line.emulator.change(page_cap=None)
    known = line.truth(api, window, at=line.now)
    assert line.held(api) < known, "the fault did not hit"
    line.now = window.end + timedelta(hours=6)
    line.run(schedule_of("sign_ins", "sweep_6h"), window)
    assert line.held(api) == line.truth(api, window, at=line.now)
    assert state_of(line, api, window) is State.DISPUTED
    line.now = window.end + timedelta(days=3)
    line.run(schedule_of("sign_ins", "sweep_3d"), window)
    assert state_of(line, api, window) is State.VERIFIED


def state_of(line: Line, api: Api, window: Window) -> State:
    """What the ledger says of an interval."""
    records = ledger.records(line.lake, api.name)
    (found,) = states(api, line.tenant_id, records, window)
    return found.state


def test_a_sweep_is_a_no_op_where_so_late_a_read_is_in_the_ledger(line: Line) -> None:
    """A main run after six hours is the six-hour sweep as well: Graph is not asked again."""
    window = two_hours(18, 2)
    line.run(main_of("sign_ins"), window)
    asked = line.emulator.stats()["sign_ins"]["requests"]
    assert line.run(schedule_of("sign_ins", "sweep_6h"), window)["reads"] == 0
    assert line.emulator.stats()["sign_ins"]["requests"] == asked + 1, "the probe alone"


@pytest.mark.parametrize("answer", ["error", "fewer"])
def test_past_retention_nothing_disappears_and_nothing_is_called_complete(
    line: Line, answer: str
) -> None:
    """A window that Graph has forgotten: the run succeeds, the table keeps what it had."""
    api, window = CATALOGUE["sign_ins"], two_hours(18, 2)
    line.run(main_of("sign_ins"), window)
    before = line.held(api)
    assert before
    line.emulator.change(past_retention=answer)
    line.now = window.end + timedelta(days=31)
    assert line.run(main_of("sign_ins"), window)["lacked"] == 0
    assert line.held(api) == before
    newest = max(ledger.records(line.lake, api.name), key=lambda record: record.read_at)
    assert newest.past_retention
    assert state_of(line, api, window) is not State.DISPUTED
    line.emulator.change(past_retention="error")


def test_a_risk_detection_that_changes_is_stored_in_its_newest_version(line: Line) -> None:
    """The changes of two hours, whenever detected, go to the partitions of their own time."""
    api = CATALOGUE["risk_detections"]
    window = Window(two_hours(13, 0).start, two_hours(14, 0).start)
    line.now = window.end + timedelta(minutes=15)
    line.run(main_of(api.name), window)
    span = Window(line.now - timedelta(days=1), line.now + timedelta(days=2))
    line.now = span.end + timedelta(minutes=15)
    done = line.run(schedule_of(api.name, "updates"), span)
    newest = line.emulator.truth(
        api.name, span.start, span.end, by="lastUpdatedDateTime", at=line.now
    )
    assert done["changed"] > 0
    assert {name for name, _ in newest.ids} <= {name for name, _ in line.held(api)}


def test_reads_of_every_kind_are_proved_and_damage_by_hand_is_found(
    line: Line, tmp_path: Path
) -> None:
    """`make verify` names the window in which a raw page was altered."""
    line.run(main_of("sign_ins"), two_hours(18, 6))
    line.run(main_of("sign_ins"), two_hours(18, 8))
    assert verify(line.lake).ok
    (pages,) = (line.folder / "raw" / "sign_ins").rglob("hour=08/*.json.zst")
    pages.write_bytes(pages.read_bytes()[:-50])
    report = verify(line.lake)
    assert not report.ok
    assert all("08:00" in text for text in report.lines[:-1])
