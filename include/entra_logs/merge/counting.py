"""What a load did, counted in the published table, so that a crash in between falsifies nothing."""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from include.entra_logs.api import Window
from include.entra_logs.lake import Lake
from include.entra_logs.ledger.record import LATE_STEPS, Lateness, PartitionCounts

_US = "datetime64[us]"


def count_load(
    lake: Lake,
    key: str,
    *,
    partition: datetime,
    event_time: str,
    read_at: datetime,
    brought: int,
    window: Window | None,
) -> tuple[PartitionCounts, Lateness]:
    """What the read asked at `read_at` did to the partition file at `key`, and how late it was.

    `brought` is how many of the partition's events the read had; `event_time` the column's name.
    `window` is what the read promised to bring whole; None where it promised nothing (a read of
    changes): then it cannot lack an event.
    """
    columns = [event_time, "_first_seen_at", "_changed_at"]
    with lake.store.open(key) as source:
        table = pq.read_table(source, columns=columns)
    times, first, changed = (_micros(table[name]) for name in columns)
    now = _moment(read_at)
    added = first == now
    known = first < now
    inside = np.ones_like(added)
    if window is not None:
        inside = (times >= _moment(window.start)) & (times < _moment(window.end))
    newer = int((known & (changed == now)).sum())
    counts = PartitionCounts(
        partition=partition,
        added=int(added.sum()),
        changed=newer,
        unchanged=brought - int(added.sum()) - newer,
        lacked=int((inside & (known | added)).sum()) - brought if window is not None else 0,
        block=_longest_block(times, added & inside, known & inside) if window is not None else 0,
    )
    return counts, _lateness(now - times[added])


def _micros(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    return column.cast(pa.int64()).to_numpy().astype(_US)  # type: ignore[no-any-return]


def _moment(at: datetime) -> np.datetime64:
    return np.datetime64(at.replace(tzinfo=None), "us")


def _longest_block(
    times: NDArray[np.datetime64], added: NDArray[np.bool_], known: NDArray[np.bool_]
) -> int:
    """Longest row of added events, in order of time, that ends below one that was known before."""
    either = added | known
    order = np.argsort(times[either], kind="stable")
    is_added = added[either][order]
    knowns = np.flatnonzero(~is_added)
    if not len(knowns):
        return 0
    between = np.diff(np.concatenate(([-1], knowns))) - 1
    return int(between.max())


def _lateness(delays: NDArray[np.timedelta64]) -> Lateness:
    """The delays by the classes of `Lateness`, each upper bound inclusive."""
    bounds = np.array([np.timedelta64(step, "us") for step in LATE_STEPS.values()])
    classes = np.searchsorted(bounds, delays, side="left")
    return Lateness(*(int(n) for n in np.bincount(classes, minlength=len(bounds) + 1)))
