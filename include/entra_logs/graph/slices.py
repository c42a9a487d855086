"""How a window is cut into slices: pure functions, all in whole seconds.

Newest first is how Graph pages; where the pages of a slice prove it, each page says down to which
instant the slice is complete (`reached`). That instant is what a slice can be shrunk to when its
link dies, and the part below it is what another slice can take over while it is still being read.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from include.entra_logs.api import Window
from include.entra_logs.graph.query import TICK
from include.entra_logs.source import Slice

SECOND = timedelta(seconds=1)


def reach(slice_: Slice, times: list[str | None]) -> datetime | None:
    """`Page.reached` of the next page of `slice_`, whose events have these times."""
    before = slice_.reached if slice_.pages else slice_.window.end + TICK
    if before is None or not times:
        return before
    keys = _sortable(times)
    if len(keys) < len(times) or keys != sorted(keys, reverse=True):
        return None
    try:
        first, last = _at(keys[0]), _at(keys[-1])
    except ValueError:
        return None
    return last + TICK if first < before else None


def _sortable(times: list[str | None]) -> list[str]:
    """Times of Graph (0 to 7 fraction digits, `Z`) cut or filled to six digits, so that they sort.

    Fewer than `times` if some are not written like that.
    """
    return [
        (text[:-1] if "." in text else f"{text[:-1]}.").ljust(26, "0")[:26]
        for text in times
        if text is not None and text[-1:] == "Z"
    ]


def _at(key: str) -> datetime:
    return datetime.fromisoformat(key).replace(tzinfo=UTC)


def points(start: datetime, end: datetime, parts: int) -> list[datetime]:
    """Whole seconds strictly inside `[start, end)` that cut it into up to `parts` like pieces."""
    step = (end - start) / parts
    found = {(start + step * i).replace(microsecond=0) for i in range(1, parts)}
    return sorted(at for at in found if start < at < end)


def pieces(start: datetime, end: datetime, parts: int) -> list[Window]:
    """`[start, end)` in up to `parts` like pieces, ascending, without gap or overlap."""
    return [Window(a, b) for a, b in pairwise([start, *points(start, end, parts), end])]


def asked(keep: Window, whole: Window) -> Window:
    """What to ask Graph for `keep`: its whole seconds, within the read's window."""
    end = keep.end.replace(microsecond=0)
    end = end if end == keep.end else end + SECOND
    start = keep.start.replace(microsecond=0)
    return Window(max(start, whole.start), min(end, whole.end))


def unread(slice_: Slice) -> timedelta:
    """The width of what the slice's pages have not brought yet, 0 where they prove nothing."""
    if slice_.done or not slice_.pages or slice_.reached is None:
        return timedelta(0)
    return max(slice_.reached - slice_.keep.start, timedelta(0))


def span(reached: datetime | None, times: list[str | None]) -> timedelta:
    """The time that a page covers, at least a second; nothing where order proves nothing."""
    keys = _sortable(times[:1])
    return max(_at(keys[0]) - reached, SECOND) if keys and reached else timedelta(0)


def pages_left(slice_: Slice, page_span: timedelta) -> float:
    """About how many pages the slice still needs if they cover what the last one covered."""
    return unread(slice_) / page_span if page_span else 0.0


def share(slice_: Slice, parts: int) -> tuple[Slice, list[Window]]:
    """The slice with the newest part of what it has not read, and the parts for other slices."""
    if slice_.reached is None or not unread(slice_):
        return slice_, []
    end = min(slice_.reached, slice_.keep.end)
    *others, own = pieces(slice_.keep.start, end, parts)
    return replace(slice_, keep=Window(own.start, slice_.keep.end)), others


def salvage(slice_: Slice) -> tuple[Slice | None, Window | None]:
    """Of a slice that can't go on: what its pages answer for, and what is to be read anew."""
    keep, reached = slice_.keep, slice_.reached
    if not slice_.pages or reached is None or reached >= keep.end:
        return None, keep
    done = replace(slice_, keep=Window(max(reached, keep.start), keep.end), done=True, cursor=None)
    return done, Window(keep.start, reached) if reached > keep.start else None


def satisfied(slice_: Slice) -> bool:
    """True once every event of `keep` lies in the slice's pages."""
    proven = slice_.pages > 0 and slice_.reached is not None
    return slice_.done or (proven and slice_.reached <= slice_.keep.start)  # type: ignore[operator]


def gaps(slices: list[Slice], whole: Window) -> Iterator[str]:
    """What is wrong with a finished plan: nothing if the `keep`s tile the window exactly."""
    ordered = sorted(slices, key=lambda s: s.keep)
    edges = [
        whole.start,
        *(edge for s in ordered for edge in (s.keep.start, s.keep.end)),
        whole.end,
    ]
    for left, right in zip(edges[::2], edges[1::2], strict=True):
        if left != right:
            yield f"{left} is not {right}"
    yield from (f"slice {s.id} is not done" for s in ordered if not s.done)
