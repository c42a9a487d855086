"""Cutting windows: no gap, no overlap, nothing kept without proof."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.entra_logs.api import Window
from include.entra_logs.graph.slices import asked, gaps, pieces, reach, salvage, satisfied, share
from include.entra_logs.source import Slice

START = datetime(2026, 11, 22, 2, tzinfo=UTC)
WHOLE = Window(START, START + timedelta(hours=2))
FRESH = Slice("000001", WHOLE, WHOLE)
MOMENTS = st.integers(0, 7_200_000_000).map(lambda us: START + timedelta(microseconds=us))


def clock(text: str) -> datetime:
    """A time of that morning."""
    return datetime.fromisoformat(f"2026-11-22T{text}+00:00")


@given(a=MOMENTS, b=MOMENTS, parts=st.integers(1, 9))
def test_pieces_tile(a: datetime, b: datetime, parts: int) -> None:
    """Pieces cover what was cut exactly; what is asked for covers each, in whole seconds."""
    if a >= b:
        return
    found = pieces(a, b, parts)
    assert 1 <= len(found) <= parts
    assert (found[0].start, found[-1].end) == (a, b)
    assert all(keep.end == after.start for keep, after in pairwise(found))
    for keep in found:
        window = asked(keep, WHOLE)
        assert window.start <= keep.start
        assert keep.end <= window.end
        assert window.start.microsecond == window.end.microsecond == 0


@given(reached=MOMENTS, parts=st.integers(2, 9), pages=st.integers(1, 9))
def test_sharing_and_salvage_tile(reached: datetime, parts: int, pages: int) -> None:
    """What a slice keeps and what it gives away or up make the window again."""
    slice_ = replace(FRESH, pages=pages, cursor="x", reached=reached)
    own, others = share(slice_, parts) if reached > START else (slice_, [])
    kept, rest = salvage(slice_)
    shared = [replace(own, done=True), *(replace(FRESH, keep=keep, done=True) for keep in others)]
    assert not list(gaps(shared, WHOLE))
    saved = [kept] if kept else []
    saved += [replace(FRESH, keep=rest, done=True)] if rest else []
    assert not list(gaps(saved, WHOLE))
    assert all(satisfied(found) for found in saved)


def test_gaps_are_seen() -> None:
    """A plan with a gap, an overlap or an unfinished slice is not taken for a whole."""
    half = Window(START, START + timedelta(hours=1))
    late = Window(START + timedelta(minutes=59), WHOLE.end)
    done = replace(FRESH, done=True)
    assert not list(gaps([done], WHOLE))
    assert list(gaps([FRESH], WHOLE))
    assert list(gaps([replace(done, keep=half)], WHOLE))
    assert list(gaps([replace(done, keep=half), replace(done, keep=late)], WHOLE))


REACHES: dict[str, tuple[list[str | None], datetime | None]] = {
    "newest first": (["2026-11-22T03:00:00Z", "2026-11-22T02:30:00.5Z"], clock("02:30:00.500001")),
    "seven digits": (["2026-11-22T03:00:00.1234567Z"], clock("03:00:00.123457")),
    "trailing zeros cut": (
        ["2026-11-22T02:00:58.8534189Z", "2026-11-22T02:00:58.853418Z", "2026-11-22T02:00:58Z"],
        clock("02:00:58.000001"),
    ),
    "equal times": (["2026-11-22T02:00:00Z"] * 3, clock("02:00:00.000001")),
    "oldest first": (["2026-11-22T02:30:00Z", "2026-11-22T03:00:00Z"], None),
    "one astray": (
        ["2026-11-22T03:00:00Z", "2026-11-22T02:10:00Z", "2026-11-22T02:20:00Z"],
        None,
    ),
    "no time": (["2026-11-22T03:00:00Z", None], None),
    "not UTC": (["2026-11-22T03:00:00+01:00"], None),
    "no date": (["soonZ"], None),
    "after the window": (["2026-11-22T04:00:00.000002Z"], None),
}


@pytest.mark.parametrize(("times", "expected"), REACHES.values(), ids=REACHES.keys())
def test_reach(times: list[str | None], expected: datetime | None) -> None:
    """A page proves the window down to its last event only if it is newest first as a whole."""
    assert reach(FRESH, times) == expected


def test_reach_goes_on_from_page_to_page() -> None:
    """The next page must begin where the last one ended; an empty one changes nothing."""
    slice_ = replace(FRESH, pages=1, reached=clock("03:00:00.000001"))
    assert reach(slice_, []) == slice_.reached
    assert reach(slice_, ["2026-11-22T03:00:00Z"]) == slice_.reached
    assert reach(slice_, ["2026-11-22T03:00:00.000001Z"]) is None
    assert reach(replace(slice_, reached=None), ["2026-11-22T02:00:00Z"]) is None


def test_salvage_without_proof_keeps_nothing() -> None:
    """A slice whose order proves nothing is read again whole."""
    assert salvage(replace(FRESH, pages=3, reached=None)) == (None, WHOLE)
    assert salvage(FRESH) == (None, WHOLE)
