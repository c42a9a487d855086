"""Events of one stretch of event time, as arrays; each event is rendered only when it is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from include.graph_emulator.ticks import DAY, NEVER

Ticks = NDArray[np.int64]


@dataclass(frozen=True)
class Bucket:
    """The events of one stretch, ascending by event time; all times are ticks."""

    times: Ticks
    arrives: Ticks
    """When each event becomes visible."""
    changes: Ticks
    """Shape (n, k): when each later version becomes visible, NEVER if there is none."""
    leaves: Ticks
    """When an event is no longer visible because another one replaced it; NEVER as a rule."""
    render: Callable[[int, int, bool], bytes]
    """(row, version, beta) -> the event as JSON."""
    name: Callable[[int], str]
    """(row) -> the event's id."""

    def transitions(self) -> Ticks:
        """Every time at which what is visible changes, ascending."""
        every = np.concatenate([self.arrives, self.changes.ravel(), self.leaves])
        return np.sort(every[every != NEVER])

    def visible(self, at: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows visible at `at`, newest event first, and the version of each."""
        rows = np.flatnonzero((self.arrives <= at) & (self.leaves > at))[::-1]
        return rows, (self.changes[rows] <= at).sum(axis=1)


class Source(Protocol):
    """Where the events of one API come from: bucket `n` covers `[n * width, (n + 1) * width)`."""

    @property
    def width(self) -> int:
        """Ticks of a bucket."""

    def bucket(self, number: int) -> Bucket:
        """The events of one stretch; the same number gives the same events."""


@dataclass(frozen=True)
class Nothing:
    """A source without events, beside which those of a test are all there is."""

    width: int = DAY

    def bucket(self, _number: int) -> Bucket:
        """An empty bucket."""
        return empty()


def empty() -> Bucket:
    """A bucket without events."""
    none = np.empty(0, np.int64)

    def nothing(*_: Any) -> Any:
        raise IndexError("an empty bucket has no rows")

    return Bucket(none, none, np.empty((0, 1), np.int64), none, nothing, nothing)


def merge(first: Bucket, second: Bucket) -> Bucket:
    """Both buckets' events in one."""
    size, width = len(first.times), max(first.changes.shape[1], second.changes.shape[1])

    def wide(bucket: Bucket) -> Ticks:
        missing = width - bucket.changes.shape[1]
        return np.pad(bucket.changes, ((0, 0), (0, missing)), constant_values=NEVER)

    times = np.concatenate([first.times, second.times])
    order = np.argsort(times, kind="stable")

    def origin(row: int) -> tuple[Bucket, int]:
        at = int(order[row])
        return (first, at) if at < size else (second, at - size)

    def render(row: int, version: int, beta: bool) -> bytes:  # noqa: FBT001  (row, version, beta)
        bucket, own = origin(row)
        return bucket.render(own, version, beta)

    def name(row: int) -> str:
        bucket, own = origin(row)
        return bucket.name(own)

    return Bucket(
        times[order],
        np.concatenate([first.arrives, second.arrives])[order],
        np.concatenate([wide(first), wide(second)])[order],
        np.concatenate([first.leaves, second.leaves])[order],
        render,
        name,
    )
