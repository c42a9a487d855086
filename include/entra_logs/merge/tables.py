"""Merge and publish: what a read brought of one partition goes into its one file, atomically.

The file is read and written in batches, so memory does not grow with it. It is not rewritten where
nothing changes. Two merges at once both survive: each publishes only over the very file that it
read, else merges again into what the other one published.
What a load did is counted in the published file, so that a crash in between falsifies nothing.
"""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from include.entra_logs.api import PARTITION, Window, partition_start, utc_text
from include.entra_logs.errors import Corrupt, Transient
from include.entra_logs.lake import Lake, layout
from include.entra_logs.lake.store import store_errors
from include.entra_logs.ledger.record import FirstSeen, PartitionCounts
from include.entra_logs.merge.blocks import Keys
from include.entra_logs.merge.files import merge_files
from include.entra_logs.merge.partition_file import PartitionFile
from include.entra_logs.schema import CHANGED_AT, FIRST_SEEN_AT, TIME, column_name
from include.entra_logs.table import Table

TRIES = 40
"""Merges of one file before the others' are given way to."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class MergeCounts:
    """What a read did to one partition, counted in what is published.

    The same read merged again gives the same counts, so a crash before they are recorded loses
    nothing. A merge that altered anything has `added + changed > 0`, this time or again.
    """

    added: int
    """Events that this read was the first to bring: `_first_seen_at` is its `read_at`."""
    changed: int
    """Events known before whose stored version this read was the first to bring."""
    unchanged: int
    rewritten: bool
    """Whether the file was replaced by this very call."""


def key_columns(table: Table) -> Keys:
    """The columns of the API's table that identify and order versions of an event."""
    updated = column_name(table.updated_time) if table.updated_time else None
    return Keys(column_name(table.event_time), "id", updated)


def merge(
    lake: Lake, table: Table, tenant_id: str, partition: datetime, incoming: Path, read_at: datetime
) -> MergeCounts:
    """What the file `incoming` did to the partition, which now holds it; see `MergeCounts`.

    `incoming` is a Parquet file of the API's table, sorted by event time and id, each event once,
    all of this partition, stamped with `read_at`. Raises Corrupt if the stored file is not whole
    (it stays as it is), Transient if others kept replacing it.
    """
    key = layout.table_file(table.name, tenant_id, partition)
    keys = key_columns(table)
    new = PartitionFile(incoming, str(incoming), "normalise this run again", keys)
    _require_within(new, partition)
    if not new.rows:
        return MergeCounts(0, 0, 0, rewritten=False)
    for again in range(TRIES):
        with lake.store.scratch() as folder:
            stored, built = folder / "stored.parquet", folder / "built.parquet"
            tag = lake.store.snapshot(key, stored)
            if tag is None:
                if lake.store.put_if_absent(key, incoming):
                    return MergeCounts(new.rows, 0, 0, rewritten=True)
            else:
                old = PartitionFile(stored, key, rebuild_command(table, tenant_id, partition), keys)
                with store_errors(lake.url):
                    done = merge_files(old, new, built, _microseconds(read_at), keys)
                if not done.altered or lake.store.replace_if_unchanged(key, built, tag):
                    rest = new.rows - done.added - done.changed
                    return MergeCounts(done.added, done.changed, rest, rewritten=done.altered)
        time.sleep(random.uniform(0, min(2.0, 0.02 * 2**again)))  # noqa: S311 - jitter
    raise Transient(f"{key} was replaced {TRIES} times by other loads: run this load again later.")


def rebuild_command(table: Table, tenant_id: str, partition: datetime) -> str:
    """What mends a partition whose file is broken, to be said in an error."""
    start = utc_text(partition_start(partition))
    return (
        "rebuild it from raw with `python -m include.entra_logs rebuild "
        f"--table {table.name} --tenant {tenant_id} --partition {start}`"
    )


def _require_within(new: PartitionFile, partition: datetime) -> None:
    start = partition_start(partition)
    first, end = _microseconds(start), _microseconds(start + PARTITION)
    if any(span and not (first <= span[0] <= span[1] < end) for span in new.spans()):
        raise ValueError(f"the incoming file has events outside the partition {start}")


def _microseconds(at: datetime) -> int:
    return (at.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


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
) -> PartitionCounts:
    """What the read asked at `read_at` did to the partition file at `key`, and what that holds.

    `brought` is how many of the partition's events the read had; `event_time` the column's name.
    `window` is what the read promised to bring whole; None where it promised nothing (a read of
    changes): then it cannot lack an event.
    """
    columns = [event_time, FIRST_SEEN_AT, CHANGED_AT]
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
    return PartitionCounts(
        partition=partition,
        added=int(added.sum()),
        changed=newer,
        unchanged=brought - int(added.sum()) - newer,
        lacked=int((inside & (known | added)).sum()) - brought if window is not None else 0,
        block=_longest_block(times, added & inside, known & inside) if window is not None else 0,
        seen=steps(table[FIRST_SEEN_AT]),
    )


def holdings_of(lake: Lake, key: str) -> tuple[FirstSeen, ...]:
    """What the partition's file at `key` holds. Raises Corrupt if there is none that is whole."""
    with lake.store.open(key) as source:
        try:
            return steps(pq.read_table(source, columns=[FIRST_SEEN_AT])[FIRST_SEEN_AT])
        except (pa.ArrowException, KeyError) as error:
            raise Corrupt(f"{key} is not a file of a partition: run `make verify`.") from error


def steps(first_seen: pa.ChunkedArray) -> tuple[FirstSeen, ...]:
    """By when how many rows of a partition were first seen, from the column that says it."""
    moments, counts = np.unique(_micros(first_seen), return_counts=True)
    at = pa.array(moments).cast(TIME).to_pylist()
    return tuple(map(FirstSeen, at, np.cumsum(counts).tolist()))


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
