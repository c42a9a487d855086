"""Runs that come too early, or after a try that was cut off: they wait, or begin anew."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.entra_logs import pipeline
from include.entra_logs.api import Window
from include.entra_logs.errors import NotYet
from include.entra_logs.lake import layout, raw, staging
from include.entra_logs.pipeline import Run
from include.entra_logs.source import Slice
from tests.integration.pipeline.line import RETENTION, Line, main_of, two_hours


@pytest.mark.parametrize("lag", [1, 10, 120], ids=str)
def test_a_clock_that_is_fast_by_seconds_costs_that_many(
    line: Line, monkeypatch: pytest.MonkeyPatch, lag: int
) -> None:
    """A run by hand waits in its place, another one is told for how long to come again."""
    window, settled = two_hours(18, 8), datetime(2026, 11, 18, 10, 15, tzinfo=UTC)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        line.emulator.set_clock(settled)

    monkeypatch.setattr(pipeline.time, "sleep", sleep)
    line.emulator.set_clock(settled - timedelta(seconds=lag))
    run = Run(main_of("sign_ins"), window, "graph", "scheduled")
    with pytest.raises(NotYet, match="not settled") as caught:
        pipeline.authenticate(run, line.graph, line.lake, RETENTION)
    assert (caught.value.wait, slept) == (lag, [])
    by_hand = replace(run, patience=120.0)
    access = pipeline.authenticate(by_hand, line.graph, line.lake, RETENTION)
    assert datetime.fromisoformat(access["asked_at"]) == settled
    assert slept == [lag]


def test_a_clock_that_never_gets_there_is_not_waited_for(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting in its place ends after two minutes, whatever Graph's clock does."""
    slept: list[float] = []
    monkeypatch.setattr(pipeline.time, "sleep", slept.append)
    settled = datetime(2026, 11, 18, 10, 15, tzinfo=UTC)
    line.emulator.set_clock(settled - timedelta(seconds=50))
    run = Run(main_of("sign_ins"), two_hours(18, 8), "graph", "by hand", patience=120.0)
    with pytest.raises(NotYet):
        pipeline.authenticate(run, line.graph, line.lake, RETENTION)
    assert slept == [50, 50]


def test_a_read_begun_too_early_is_begun_anew(line: Line) -> None:
    """Front ends of Graph whose clocks differ: what was read before the window settled goes."""
    window, settled = two_hours(18, 8), datetime(2026, 11, 18, 10, 15, tzinfo=UTC)
    run = Run(main_of("sign_ins"), window, "graph", "scheduled")
    line.emulator.set_clock(settled)
    access = pipeline.authenticate(run, line.graph, line.lake, RETENTION)
    line.emulator.set_clock(settled - timedelta(seconds=2))
    with pytest.raises(NotYet) as caught:
        pipeline.extract(run, access, line.graph, line.lake, RETENTION)
    assert caught.value.wait == 2
    line.emulator.set_clock(settled)
    again = replace(run, attempt=2)
    reads = pipeline.extract(again, access, line.graph, line.lake, RETENTION)
    assert raw.manifest(line.lake, reads["reads"][0]).summary.read_at == settled


@pytest.mark.parametrize("broken", [b"{", b'{"filter_by":"x"}', b"\xff", None], ids=repr)
def test_a_broken_plan_of_an_earlier_try_is_not_gone_on_with(
    line: Line, broken: bytes | None
) -> None:
    """A plan with a gap, or cut, costs a read and not the interval."""
    window, schedule = two_hours(18, 8), main_of("sign_ins")
    run = Run(schedule, window, "graph", "scheduled")
    access = pipeline.authenticate(run, line.graph, line.lake, RETENTION)
    staged = staging.open_read(
        line.lake, schedule.api.name, access["tenant_id"], window, kind="main",
        filter_by=schedule.filter_by, run_id="scheduled", attempt=1, now=datetime.now(UTC),
    )  # fmt: skip
    first = Window(window.start, window.start + timedelta(minutes=40))
    last = Window(window.start + timedelta(minutes=80), window.end)
    staged.save_slices([Slice("000001", window, last), Slice("000002", first, first)])
    if broken is not None:
        line.lake.store.put(f"{staged.folder}/{layout.PLAN}", broken)
    reads = pipeline.extract(replace(run, attempt=2), access, line.graph, line.lake, RETENTION)
    pipeline.load(run, pipeline.normalise(run, reads, line.lake), line.lake)
    assert line.held(schedule.api) == line.truth(schedule.api, window)
