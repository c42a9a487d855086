"""Two sources sorted by event time and id, walked side by side in little memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.entra_logs.table import AHEAD, EARLIEST

Int64 = npt.NDArray[np.int64]
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = (EARLIEST - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND
_AHEAD = AHEAD // _MICROSECOND


_BEFORE_ALL = (int(np.iinfo(np.int64).min), "")


@dataclass(frozen=True)
class Keys:
    """The columns that the version rule looks at."""

    event_time: str
    id: str
    updated: str | None


class Unsorted(Exception):
    """The rows are not sorted by event time and id, or one is there twice, or has no key."""


def microseconds(column: pa.Array) -> Int64:
    """Times as integers; a null is the smallest of all."""
    filled = pc.fill_null(column.cast(pa.int64()), np.iinfo(np.int64).min)
    found: Int64 = filled.to_numpy(zero_copy_only=False)
    return found


def believed(times: Int64, read_at: Int64 | int) -> npt.NDArray[np.bool_]:
    """Which times can be those of events or versions that Graph was asked for at `read_at`."""
    found: npt.NDArray[np.bool_] = (times >= _EARLIEST) & (times < read_at + _AHEAD)
    return found


def repeats(times: Int64, ids: pa.Array) -> npt.NDArray[np.bool_]:
    """True for each of the sorted rows that has the same key as the row before it."""
    found = np.zeros(len(times), dtype=np.bool_)
    if len(times) > 1:
        same = pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
        found[1:] = (times[1:] == times[:-1]) & same
    return found


def ascending(batches: Iterable[pa.RecordBatch], keys: Keys) -> Iterator[pa.RecordBatch]:
    """The batches; raises Unsorted once a key is null, or not larger than the one before it."""
    last = _BEFORE_ALL
    for batch in batches:
        if not batch.num_rows:
            continue
        times, ids = batch.column(keys.event_time), batch.column(keys.id)
        if times.null_count or ids.null_count:
            raise Unsorted
        at = microseconds(times)
        if _key(at, ids, 0) <= last or not _ascending(at, ids):
            raise Unsorted
        last = _key(at, ids, -1)
        yield batch


def blocks(
    old: Iterator[pa.RecordBatch], new: Iterator[pa.RecordBatch], keys: Keys
) -> Iterator[tuple[pa.RecordBatch | None, pa.RecordBatch | None]]:
    """Pairs of runs of both sources over the same stretch of keys, ascending; None for no row.

    Both are `ascending`.
    """
    first, second = _Run(old, keys), _Run(new, keys)
    while first.batch is not None or second.batch is not None:
        lasts = [run.last for run in (first, second) if run.batch is not None]
        end = min(lasts)
        yield first.take(end), second.take(end)


class _Run:
    """What is left of the batch at hand, and the batches after it."""

    def __init__(self, batches: Iterator[pa.RecordBatch], keys: Keys) -> None:
        self._batches = batches
        self._keys = keys
        self.batch: pa.RecordBatch | None = None
        self.last = _BEFORE_ALL
        self._times: Int64 = np.zeros(0, dtype=np.int64)
        self._next()

    def take(self, end: tuple[int, str]) -> pa.RecordBatch | None:
        """The rows whose key is at most `end`."""
        if self.batch is None:
            return None
        taken = self.batch
        if self.last <= end:
            self._next()
            return taken
        low = int(np.searchsorted(self._times, end[0], "left"))
        high = int(np.searchsorted(self._times, end[0], "right"))
        ids = taken.column(self._keys.id)[low:high]
        count = low + int(pc.sum(pc.less_equal(ids, end[1])).as_py() or 0)
        self.batch, self._times = taken.slice(count), self._times[count:]
        return taken.slice(0, count) if count else None

    def _next(self) -> None:
        self.batch = next(self._batches, None)
        if self.batch is None:
            return
        self._times = microseconds(self.batch.column(self._keys.event_time))
        self.last = _key(self._times, self.batch.column(self._keys.id), -1)


def _key(times: Int64, ids: pa.Array, at: int) -> tuple[int, str]:
    return int(times[at]), ids[at].as_py()


def _ascending(times: Int64, ids: pa.Array) -> bool:
    if bool((times[1:] < times[:-1]).any()):
        return False
    same = np.flatnonzero(times[1:] == times[:-1])
    if not len(same):
        return True
    left, right = ids.take(pa.array(same)), ids.take(pa.array(same + 1))
    return bool(pc.all(pc.less(left, right)).as_py())
