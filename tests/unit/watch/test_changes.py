"""What is told and when: once, in silence while it grows or shrinks, once more when it is over."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.entra_logs.api import PARTITION, Window
from include.entra_logs.watch.cause import Cause, Kind, Topic, joined
from include.entra_logs.watch.changes import Changes, changes, from_text, to_text
from include.entra_logs.watch.message import MOST, message
from tests.kit.months import TENANT, at

NUMBERS = st.frozensets(st.integers(0, 11), max_size=8)


def missing(start: datetime, intervals: int = 1, *, under_way: bool = False) -> Cause:
    """Intervals of sign-ins that are missing."""
    topic = Topic(Kind.MISSING, "sign_ins", TENANT, "entra_sign_ins")
    window = Window(start, start + intervals * PARTITION)
    return Cause(topic, window, f"{window} is missing.", "Read it.", under_way)


def surprise(name: str) -> Cause:
    """A property without a column."""
    return Cause(Topic(Kind.SURPRISE, "sign_ins", TENANT, name), says=f"{name} is new.")


EIGHT, TEN = missing(at(20, 8)), missing(at(20, 10))


@pytest.mark.parametrize(
    ("told", "now", "new", "over"),
    [
        ([], [EIGHT], [EIGHT], []),
        ([EIGHT], [EIGHT], [], []),
        ([EIGHT], [], [], [EIGHT]),
        ([EIGHT], [missing(at(20, 8), 3)], [], []),
        ([missing(at(20, 8), 3)], [EIGHT], [], []),
        ([missing(at(20, 8), 3)], [EIGHT, missing(at(20, 12))], [], []),
        ([EIGHT], [EIGHT, missing(at(20, 14))], [missing(at(20, 14))], []),
        ([surprise("a")], [surprise("a"), surprise("b")], [surprise("b")], []),
        ([surprise("a")], [EIGHT], [EIGHT], [surprise("a")]),
        ([], [missing(at(20, 8), under_way=True)], [], []),
        ([EIGHT], [missing(at(20, 8), under_way=True)], [], []),
    ],
    ids=[
        "new",
        "goes on",
        "over",
        "grows",
        "shrinks",
        "mended in the middle",
        "another, apart",
        "another name",
        "one over, one new",
        "mended before it was told",
        "being mended",
    ],
)
def test_what_is_told(
    told: list[Cause], now: list[Cause], new: list[Cause], over: list[Cause]
) -> None:
    """New and over, and nothing in between."""
    found = changes(told, now)
    assert (list(found.new), list(found.over), found.forgotten) == (new, over, ())
    assert found.any is bool(new or over)


def test_what_grew_is_over_as_a_whole() -> None:
    """A cause that was told small and grew in silence ends with the range that it reached."""
    first = changes([], [EIGHT])
    grown = changes(first.told, [missing(at(20, 8), 4)])
    shrunk = changes(grown.told, [missing(at(20, 14))])
    (over,) = changes(shrunk.told, []).over
    assert over.window == Window(at(20, 8), at(20, 16))


def test_two_that_meet_end_once() -> None:
    """Neighbours that were told apart are one from the next look on."""
    told = changes([], [EIGHT, TEN]).told
    assert len(changes(told, []).over) == 1


@given(st.lists(NUMBERS, max_size=8))
def test_each_interval_is_told_once_until_it_is_over(looks: list[frozenset[int]]) -> None:
    """Over any history: what is active is always covered by what was told; the ends match it."""
    told: tuple[Cause, ...] = ()
    opened = closed = 0
    for numbers in looks:
        windows = joined([missing(at(20, 0) + n * PARTITION).window for n in numbers])  # type: ignore[misc]
        now = [missing(w.start, (w.end - w.start) // PARTITION) for w in windows]
        found = changes(told, now)
        opened, closed = opened + len(found.new), closed + len(found.over)
        assert all(any(c.window.start in t.window for t in found.told) for c in now)  # type: ignore[union-attr,operator]
        assert changes(found.told, now) == Changes((), (), (), found.told)
        told = found.told
    assert closed <= opened
    assert len(changes(told, []).over) == len(told)
    assert changes(changes(told, []).told, []).any is False


def test_what_nobody_can_mend_any_more_is_not_called_over() -> None:
    """A gap that Graph has begun to forget leaves the watch with words of its own, once."""
    found = changes([EIGHT, TEN], [TEN], {"sign_ins": at(20, 10)})
    assert (found.over, found.forgotten) == ((), ())  # neighbours: one cause until both are gone
    apart = missing(at(20, 14))
    found = changes([EIGHT, apart], [apart], {"sign_ins": at(20, 10)})
    assert (found.over, found.forgotten) == ((), (EIGHT,))
    assert any("No longer watched" in line for line in message(found).lines)
    assert not changes(found.told, [apart], {"sign_ins": at(20, 10)}).any


def test_what_was_told_survives_as_text() -> None:
    """Topics and windows come back; the words, which a new version may change, are not kept."""
    told = (EIGHT, surprise("status.x: string"), Cause(Topic(Kind.BLIND), says="No lake."))
    text = to_text(told)
    assert from_text(text) == told
    assert "is missing" not in text
    assert "No lake" not in text


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[1]", '[{"kind": "ODD"}]', '{"a": 1}', json.dumps([{"kind": "BLIND"}])],
)
def test_another_text_is_refused(text: str) -> None:
    """What the watch did not write is never taken for nothing told."""
    with pytest.raises(ValueError, match=r".+"):
        from_text(text)


def test_a_message_says_what_is_new_then_what_is_over() -> None:
    """The title names the first, the lines have sentence and remedy."""
    told = changes([surprise("a")], [EIGHT, missing(at(21, 0))])
    text = message(told)
    first = "sign_ins entra_sign_ins [2026-11-20T08:00:00Z, 2026-11-20T10:00:00Z): missing"
    assert text.title == f"Entra Lake: {first} and 1 more; 1 over"
    assert text.lines == (
        "[2026-11-20T08:00:00Z, 2026-11-20T10:00:00Z) is missing. Read it.",
        "[2026-11-21T00:00:00Z, 2026-11-21T02:00:00Z) is missing. Read it.",
        "Over: sign_ins a: new in Graph's answers.",
    )
    assert message(changes([EIGHT], [])).title == f"Entra Lake: over: {first}"


def test_a_message_is_bounded() -> None:
    """A thousand new names make no mail of a thousand lines."""
    many = [surprise(f"name{n}") for n in range(1000)]
    lines = message(changes([], many)).lines
    assert len(lines) == MOST + 1
    assert lines[-1] == f"… and {1000 - MOST} more: see the log of entra_lake_watch."


def test_windows_that_meet_are_one() -> None:
    """In any order, overlapping or touching; a gap of a second keeps two apart."""
    a, b = Window(at(20, 8), at(20, 10)), Window(at(20, 10), at(20, 12))
    apart = Window(at(20, 12) + timedelta(seconds=1), at(20, 14))
    assert joined([apart, b, a, a]) == [Window(at(20, 8), at(20, 12)), apart]
