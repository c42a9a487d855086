"""The events of one API in time: counted, found and rendered for any window, at any clock.

A bucket looks the same between two transitions (an arrival, a change), so what was rendered for a
bucket in one state is kept and used again: with a clock that stands still, or for windows whose
late events have all come, pages are cut out of bytes that lie ready.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.graph_emulator.bucket import Bucket, Source, Ticks, merge
from include.graph_emulator.overlay import Overlay

_KEPT_ROWS = 3_000_000
"""Rows of buckets (about 100 bytes each, without their text) that are kept."""


@dataclass(frozen=True)
class Block:
    """The visible events of one bucket, newest first, as one string of JSON."""

    text: bytes
    """Events joined by commas."""
    ends: NDArray[np.int64]
    """Event `i` is `text[ends[i]:ends[i + 1] - 1]`."""

    def rows(self, start: int, stop: int) -> memoryview:
        """Events `start` to `stop`, joined by commas, without a copy."""
        if start >= stop:
            return memoryview(b"")
        return memoryview(self.text)[int(self.ends[start]) : int(self.ends[stop]) - 1]


@dataclass(frozen=True)
class Stretch:
    """The rows of one bucket that lie in a window: `start` to `stop`, newest first."""

    number: int
    state: int
    start: int
    stop: int


class Timeline:
    """One API's events, generated and added."""

    def __init__(self, source: Source, overlay: Overlay, cache_bytes: int) -> None:
        self.source, self.overlay = source, overlay
        self.width = source.width
        self._cache_bytes = cache_bytes
        self._buckets: OrderedDict[int, tuple[Bucket, Ticks]] = OrderedDict()
        self._seen: dict[tuple[int, int], tuple[Ticks, NDArray[np.intp], NDArray[np.intp]]] = {}
        self._counts: dict[tuple[int, int], int] = {}
        self._blocks: OrderedDict[tuple[int, int, bool], Block] = OrderedDict()
        self._used = self._kept = self._edition = 0

    def stretches(self, low: int, high: int, at: int) -> Iterator[Stretch]:
        """The non-empty parts of `[low, high]` (ticks, both included), newest first."""
        self._forget_if_changed()
        for number in range(high // self.width, low // self.width - 1, -1):
            state = self._state(number, at)
            begin, end = number * self.width, (number + 1) * self.width
            if low <= begin and end - 1 <= high:
                first, last = 0, self._count(number, state, at)
            else:
                times = self._visible(number, state, at)[0]
                size = len(times)  # times descend, hence the reversal
                first = size - int(np.searchsorted(times[::-1], high, side="right"))
                last = size - int(np.searchsorted(times[::-1], low, side="left"))
            if last > first:
                yield Stretch(number, state, first, last)

    def block(self, stretch: Stretch, at: int, *, beta: bool) -> Block:
        """The rendered bucket of `stretch`."""
        key = (stretch.number, stretch.state, beta)
        if key in self._blocks:
            self._blocks.move_to_end(key)
            return self._blocks[key]
        _, rows, versions = self._visible(stretch.number, stretch.state, at)
        render = self._bucket(stretch.number)[0].render
        texts = [
            render(row, version, beta)
            for row, version in zip(rows.tolist(), versions.tolist(), strict=True)
        ]
        ends = np.cumsum([0] + [len(text) + 1 for text in texts])
        block = Block(b",".join(texts), ends)
        self._blocks[key] = block
        self._used += len(block.text)
        while self._used > self._cache_bytes and len(self._blocks) > 1:
            self._used -= len(self._blocks.popitem(last=False)[1].text)
        return block

    def names(self, stretch: Stretch, at: int) -> Iterator[tuple[str, int]]:
        """Id and event time (ticks) of each event of `stretch`, without rendering it."""
        times, rows, _ = self._visible(stretch.number, stretch.state, at)
        name = self._bucket(stretch.number)[0].name
        for place in range(stretch.start, stretch.stop):
            yield name(int(rows[place])), int(times[place])

    def _forget_if_changed(self) -> None:
        if self._edition != self.overlay.edition:
            self._edition = self.overlay.edition
            for cache in (self._buckets, self._seen, self._counts, self._blocks):
                cache.clear()
            self._used = self._kept = 0

    def _bucket(self, number: int) -> tuple[Bucket, Ticks]:
        if number in self._buckets:
            self._buckets.move_to_end(number)
            return self._buckets[number]
        bucket, added = self.source.bucket(number), self.overlay.bucket(number)
        bucket = merge(bucket, added) if added else bucket
        found = self._buckets[number] = (bucket, bucket.transitions())
        self._kept += len(bucket.times)
        while self._kept > _KEPT_ROWS and len(self._buckets) > 1:
            gone, (old, _) = self._buckets.popitem(last=False)
            self._kept -= len(old.times)
            self._seen = {key: value for key, value in self._seen.items() if key[0] != gone}
        return found

    def _state(self, number: int, at: int) -> int:
        """How many transitions of the bucket lie behind `at`: names what it looks like."""
        return int(np.searchsorted(self._bucket(number)[1], at, side="right"))

    def _visible(
        self, number: int, state: int, at: int
    ) -> tuple[Ticks, NDArray[np.intp], NDArray[np.intp]]:
        """Event times, rows and versions, newest first."""
        key = (number, state)
        if key not in self._seen:
            bucket = self._bucket(number)[0]
            rows, versions = bucket.visible(at)
            self._seen[key] = (bucket.times[rows], rows, versions)
        return self._seen[key]

    def _count(self, number: int, state: int, at: int) -> int:
        key = (number, state)
        if key not in self._counts:
            self._counts[key] = len(self._visible(number, state, at)[0])
        return self._counts[key]
