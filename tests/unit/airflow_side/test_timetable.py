"""When a run becomes due, and which interval it means, for every kind of run."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow.timetables.base import DataInterval, TimeRestriction

from include.entra_logs.airflow_side.timetable import SettledIntervalTimetable

MIN15, H6, D3 = timedelta(minutes=15), timedelta(hours=6), timedelta(days=3)
LONG_AGO = pendulum.datetime(2010, 1, 1)


def at(text: str) -> pendulum.DateTime:
    """The moment that `text` names."""
    return pendulum.parse(text)  # type: ignore[return-value]


def scheduled(
    table: SettledIntervalTimetable, last: tuple[str, str] | None = None
) -> tuple[str, str, str] | None:
    """What the scheduler makes next: start, end, due."""
    info = table.next_dagrun_info(
        last_automated_data_interval=DataInterval(at(last[0]), at(last[1])) if last else None,
        restriction=TimeRestriction(LONG_AGO, None, catchup=True),
    )
    return info and _texts(info)


def _texts(info: Any) -> tuple[str, str, str]:
    return (
        info.data_interval.start.format("MM-DDTHH:mm"),
        info.data_interval.end.format("MM-DDTHH:mm"),
        info.run_after.format("MM-DDTHH:mm"),
    )


@pytest.mark.parametrize(
    ("settle", "due"),
    [(MIN15, "11-22T02:15"), (H6, "11-22T08:00"), (D3, "11-25T02:00")],
    ids=["main", "sweep_6h", "sweep_3d"],
)
def test_due_settle_after_the_end(settle: timedelta, due: str) -> None:
    """The interval is two hours, untouched by the delay; the run is due `settle` after its end."""
    table = SettledIntervalTimetable(settle, "2026-11-22")
    assert scheduled(table) == ("11-22T00:00", "11-22T02:00", due)


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("2026-11-22", "11-22T00:00"),
        ("2026-11-22T06:00:00Z", "11-22T06:00"),
        ("2026-11-22T06:00:01Z", "11-22T08:00"),
        ("2026-11-22T07:00", "11-22T08:00"),
        ("2026-11-22T01:00+01:00", "11-22T00:00"),
        ("2026-11-22T23:30-05:00", "11-23T06:00"),
        (" 2026-11-22 ", "11-22T00:00"),
    ],
)
def test_entra_start_is_the_lower_bound(start: str, first: str) -> None:
    """The first interval is the first that starts at ENTRA_START or after it."""
    found = scheduled(SettledIntervalTimetable(MIN15, start))
    assert found
    assert found[0] == first


def test_intervals_follow_each_other_without_gap() -> None:
    """From one interval to the next, over midnight and over a change of daylight saving."""
    table = SettledIntervalTimetable(MIN15, "2026-03-28T20:00:00Z")
    last, starts = None, []
    for _ in range(8):
        found = scheduled(table, last)
        assert found
        starts.append(found[0])
        last = (f"2026-{found[0]}Z", f"2026-{found[1]}Z")
    assert starts == [
        "03-28T20:00",
        "03-28T22:00",
        *(f"03-29T{hour:02}:00" for hour in range(0, 12, 2)),
    ]


def test_start_moved_later_skips_and_moved_earlier_does_not_repeat() -> None:
    """A later ENTRA_START is obeyed after runs have begun; an earlier one changes nothing."""
    last = ("2026-11-22T00:00Z", "2026-11-22T02:00Z")
    later = scheduled(SettledIntervalTimetable(MIN15, "2026-11-24"), last)
    earlier = scheduled(SettledIntervalTimetable(MIN15, "2026-11-01"), last)
    assert later
    assert earlier
    assert (later[0], earlier[0]) == ("11-24T00:00", "11-22T02:00")


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (None, "manual: ENTRA_START is unset"),
        ("", "manual: ENTRA_START is unset"),
        ("yesterday", "manual: ENTRA_START is not a date"),
        ("2026-11-22", "2 h + 15 min"),
    ],
)
def test_nothing_is_scheduled_without_a_start(start: str | None, told: str) -> None:
    """Unset or malformed, ENTRA_START schedules nothing, and the UI's schedule column says so."""
    table = SettledIntervalTimetable(MIN15, start)
    assert (scheduled(table) is None) == told.startswith("manual")
    assert table.summary == told


@pytest.mark.parametrize("start", [None, "2026-11-22"], ids=["unset", "later"])
def test_a_backfill_is_not_bounded_by_entra_start(start: str | None) -> None:
    """A backfill makes the intervals of its own range, `to` inclusive, whatever ENTRA_START is."""
    table = SettledIntervalTimetable(MIN15, start)
    restriction = TimeRestriction(at("2026-11-01T00:00Z"), at("2026-11-01T06:00Z"), catchup=True)
    last, starts = None, []
    while info := table.next_dagrun_info_v2(last_dagrun_info=last, restriction=restriction):
        starts.append(_texts(info)[0])
        last = info
    assert starts == ["11-01T00:00", "11-01T02:00", "11-01T04:00", "11-01T06:00"]


@pytest.mark.parametrize(
    ("settle", "logical", "start", "end"),
    [
        (MIN15, "2026-11-22T00:00Z", "11-22T00:00", "11-22T02:00"),
        (D3, "2026-11-22T00:00Z", "11-22T00:00", "11-22T02:00"),
        (MIN15, "2026-11-22T02:00:00+02:00", "11-22T00:00", "11-22T02:00"),
        (MIN15, "2026-11-22T06:51Z", "11-22T04:00", "11-22T06:00"),
        (MIN15, "2026-11-22T06:15Z", "11-22T04:00", "11-22T06:00"),
        (MIN15, "2026-11-22T06:14:59.999999Z", "11-22T02:00", "11-22T04:00"),
        (MIN15, "2026-11-22T00:00:00.000001Z", "11-21T20:00", "11-21T22:00"),
        (H6, "2026-11-22T06:51Z", "11-21T22:00", "11-22T00:00"),
        (MIN15, "2026-11-22T01:00Z", "11-21T22:00", "11-22T00:00"),
    ],
)
def test_manual_interval(settle: timedelta, logical: str, start: str, end: str) -> None:
    """A boundary is the interval that starts there; any other moment the last settled one."""
    found = SettledIntervalTimetable(settle, None).infer_manual_data_interval(run_after=at(logical))
    assert (found.start.format("MM-DDTHH:mm"), found.end.format("MM-DDTHH:mm")) == (start, end)


def test_a_triggered_run_does_not_move_the_scheduler() -> None:
    """A run triggered for a date, with the interval of its now stored, counts as that date's."""
    table = SettledIntervalTimetable(MIN15, "2026-11-01")
    run = SimpleNamespace(
        logical_date=at("2026-11-02T04:00Z"),
        data_interval_start=at("2026-11-22T06:00Z"),
        data_interval_end=at("2026-11-22T08:00Z"),
        run_after=at("2026-11-22T08:20Z"),
        run_type="manual",
        partition_key=None,
        partition_date=None,
    )
    info = table.next_dagrun_info_v2(
        last_dagrun_info=table.run_info_from_dag_run(dag_run=run),
        restriction=TimeRestriction(LONG_AGO, None, catchup=True),
    )
    assert info
    assert _texts(info) == ("11-02T06:00", "11-02T08:00", "11-02T08:15")


@pytest.mark.parametrize("start", [None, "2026-11-22", "nonsense"])
def test_serialised_and_back(start: str | None) -> None:
    """The metadata database keeps all of it, and two of different delay are not equal."""
    table = SettledIntervalTimetable(H6, start)
    again = SettledIntervalTimetable.deserialize(table.serialize())
    assert again == table
    assert hash(again) == hash(table)
    assert again.description == table.description
    assert again != SettledIntervalTimetable(D3, start)
