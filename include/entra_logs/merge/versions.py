"""The rule of versions: what becomes of a stretch of stored rows when a read brings some again.

A row's key is its event time and id. Newer is the larger updated time, where the API has one and it
is one that can be (`blocks.believed`; any other counts as none), then the larger `read_at`; at the
same `read_at` (one read again, after a repair) the incoming wins.
`_first_seen_at` is the smallest `read_at` that brought the key, `_changed_at` the one that first
brought the stored version.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.entra_logs.merge.blocks import Int64, Keys, believed, microseconds, repeats
from include.entra_logs.merge.compare import Mask, differing
from include.entra_logs.schema import CHANGED_AT, FIRST_SEEN_AT, TIME

_STAMPS = (FIRST_SEEN_AT, CHANGED_AT)


@dataclass(frozen=True)
class Block:
    """A merged stretch of rows, and what the read at hand did in it."""

    rows: pa.RecordBatch
    altered: bool
    """False if `rows` are the stored ones, untouched."""
    added: int = 0
    """Rows that the read was the first to bring."""
    changed: int = 0
    """Rows whose stored version the read was the first to bring, but which were known before."""


@dataclass(frozen=True)
class _Pairs:
    """Rows that are in both: `old[i]` and `new[i]` have one key; `order` sorts old, then new."""

    order: Int64
    old: Int64
    new: Int64


def surely_alters(
    old: pa.RecordBatch | None, new: pa.RecordBatch | None, at: int, keys: Keys
) -> bool:
    """True if keys, updated times and stamps alone show that merging `new` alters `old`.

    False says nothing. Only those columns are needed.
    """
    if new is None:
        return False
    if old is None:
        return True
    pairs = _paired(old, new, keys)
    first = microseconds(old.column(FIRST_SEEN_AT))[pairs.old]
    return bool(
        len(pairs.new) < new.num_rows
        or (first > at).any()
        or (_updated(new, keys)[pairs.new] > _updated(old, keys)[pairs.old]).any()
    )


def merged(old: pa.RecordBatch | None, new: pa.RecordBatch | None, at: int, keys: Keys) -> Block:
    """The rows of both, by the rule; `at` is the read's `read_at` in microseconds.

    Both have one schema and the same stretch of keys; one of them is not None.
    """
    if new is None:
        assert old is not None
        return Block(old, altered=False)
    if old is None:
        stamp = np.full(new.num_rows, at)
        return Block(_stamped(new, stamp, stamp), altered=True, added=new.num_rows)
    return _both(old, new, at, keys)


def _both(old: pa.RecordBatch, new: pa.RecordBatch, at: int, keys: Keys) -> Block:
    pairs = _paired(old, new, keys)
    first, changed = (microseconds(old.column(name)) for name in _STAMPS)
    known = changed[pairs.old]
    differs = _differs(old, new, pairs)
    replaces = differs & _newer(old, new, pairs, known <= at, keys)
    first_now = np.minimum(first[pairs.old], at)
    changed_now = np.where(replaces, at, np.where(differs, known, np.minimum(known, at)))
    inserted = new.num_rows - len(pairs.new)
    counts = {
        "added": inserted + int((first_now == at).sum()),
        "changed": int(((first_now != at) & (changed_now == at)).sum()),
    }
    altered = inserted or (first_now != first[pairs.old]).any() or (changed_now != known).any()
    if not (altered or replaces.any()):
        return Block(old, altered=False, **counts)
    firsts = np.concatenate([first, np.full(new.num_rows, at)])
    changes = np.concatenate([changed, np.full(new.num_rows, at)])
    for side in (pairs.old, pairs.new + old.num_rows):
        firsts[side], changes[side] = first_now, changed_now
    dropped = np.zeros(old.num_rows + new.num_rows, dtype=np.bool_)
    dropped[pairs.old[replaces]] = True
    dropped[pairs.new[~replaces] + old.num_rows] = True
    kept = pairs.order[~dropped[pairs.order]]
    rows = pa.concat_batches([old, new]).take(pa.array(kept))
    return Block(_stamped(rows, firsts[kept], changes[kept]), altered=True, **counts)


def _paired(old: pa.RecordBatch, new: pa.RecordBatch, keys: Keys) -> _Pairs:
    times = np.concatenate([microseconds(b.column(keys.event_time)) for b in (old, new)])
    ids = pa.concat_arrays([old.column(keys.id), new.column(keys.id)])
    by = pa.table({"time": times, "id": ids})
    stable = pc.sort_indices(by, [("time", "ascending"), ("id", "ascending")])
    order = stable.to_numpy(zero_copy_only=False).astype(np.int64)
    seconds = np.flatnonzero(repeats(times[order], ids.take(stable)))
    return _Pairs(order, order[seconds - 1], order[seconds] - old.num_rows)


def _differs(old: pa.RecordBatch, new: pa.RecordBatch, pairs: _Pairs) -> Mask:
    names = [name for name in old.schema.names if name not in _STAMPS]
    return differing(old.take(pa.array(pairs.old)), new.take(pa.array(pairs.new)), names)


def _newer(
    old: pa.RecordBatch, new: pa.RecordBatch, pairs: _Pairs, read_later: Mask, keys: Keys
) -> Mask:
    was, now = _updated(old, keys)[pairs.old], _updated(new, keys)[pairs.new]
    found: Mask = (now > was) | ((now == was) & read_later)
    return found


def _updated(batch: pa.RecordBatch, keys: Keys) -> Int64:
    if keys.updated is None:
        return np.zeros(batch.num_rows, dtype=np.int64)
    times = microseconds(batch.column(keys.updated))
    known = believed(times, microseconds(batch.column(CHANGED_AT)))
    return np.where(known, times, np.iinfo(np.int64).min)


def _stamped(rows: pa.RecordBatch, first: Int64, changed: Int64) -> pa.RecordBatch:
    for name, values in zip(_STAMPS, (first, changed), strict=True):
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), pa.array(values).cast(TIME))
    return rows
