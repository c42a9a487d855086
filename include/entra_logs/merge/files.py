"""One stored file and one incoming file of a partition made into one, in batches."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from include.entra_logs.ahead import ahead
from include.entra_logs.errors import Corrupt, Transient
from include.entra_logs.merge.blocks import Keys, blocks
from include.entra_logs.merge.evolve import conform, unified
from include.entra_logs.merge.partition_file import (
    ROW_GROUP,
    PartitionFile,
    Span,
    with_dictionaries,
    writer,
)
from include.entra_logs.merge.versions import Block, merged, surely_alters
from include.entra_logs.schema import CHANGED_AT, FIRST_SEEN_AT

AHEAD = 8
"""Merged batches that wait while a row group is written."""


@dataclass(frozen=True)
class Merging:
    """What merging did, or would do."""

    added: int
    changed: int
    altered: bool


def merge_files(
    old: PartitionFile, new: PartitionFile, built: Path, at: int, keys: Keys
) -> Merging:
    """What the read `at` (microseconds) did; if that alters `old`, `built` is the merged file.

    Looks first whether anything changes: at the keys alone, then at all columns, and only where
    `new` has rows. Raises Corrupt for a source that cannot be read, or a column that was retyped.
    """
    if not _surely_alters(old, new, at, keys):
        counts = _total(_merged(old, new, at, keys, _span(new)))
        if not counts.altered:
            return counts
    return _build(old, new, built, at, keys)


def _span(source: PartitionFile) -> Span | None:
    spans = source.spans()
    known = [span for span in spans if span]
    if not known or len(known) < len(spans):
        return None
    return known[0][0], known[-1][1]


def _surely_alters(old: PartitionFile, new: PartitionFile, at: int, keys: Keys) -> bool:
    columns = [*old.key_columns, FIRST_SEEN_AT, CHANGED_AT]
    pairs = blocks(old.batches(columns, _span(new)), new.batches(columns), keys)
    return any(surely_alters(left, right, at, keys) for left, right in pairs)


def _merged(
    old: PartitionFile,
    new: PartitionFile,
    at: int,
    keys: Keys,
    within: Span | None = None,
    encoded: Collection[str] = (),
) -> Iterator[Block]:
    schema = with_dictionaries(_schema(old, new), encoded)
    left = (conform(batch, schema) for batch in old.batches(within=within, encoded=encoded))
    right = (conform(batch, schema) for batch in new.batches(encoded=encoded))
    return (merged(one, two, at, keys) for one, two in blocks(left, right, keys))


def _total(found: Iterator[Block]) -> Merging:
    """The sums, up to the first alteration."""
    added = changed = 0
    for block in found:
        if block.altered:
            return Merging(0, 0, altered=True)
        added, changed = added + block.added, changed + block.changed
    return Merging(added, changed, altered=False)


def _schema(old: PartitionFile, new: PartitionFile) -> pa.Schema:
    try:
        return unified(new.schema, old.schema)
    except (TypeError, pa.ArrowInvalid) as error:
        raise Corrupt(f"{old.broken} ({error})") from error


def _build(old: PartitionFile, new: PartitionFile, built: Path, at: int, keys: Keys) -> Merging:
    schema = _schema(old, new)
    encoded = old.repetitive()
    rows = added = changed = 0
    with writer(built, schema, (keys.event_time, keys.id), encoded) as out:
        groups = _RowGroups(out)
        for block in ahead(_merged(old, new, at, keys, encoded=encoded), AHEAD):
            groups.add(block.rows)
            rows += block.rows.num_rows
            added, changed = added + block.added, changed + block.changed
        groups.end()
    if rows < old.rows or pq.read_metadata(built).num_rows != rows:
        raise Transient(f"A merged file came out with too few rows ({rows}): run the load again.")
    return Merging(added, changed, altered=True)


class _RowGroups:
    """Collects batches into row groups of the size that every file has."""

    def __init__(self, out: pq.ParquetWriter) -> None:
        self._out = out
        self._pending: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        self._pending.append(batch)
        self._rows += batch.num_rows
        while self._rows >= ROW_GROUP:
            self._write(ROW_GROUP)

    def end(self) -> None:
        if self._rows:
            self._write(self._rows)

    def _write(self, rows: int) -> None:
        table = pa.Table.from_batches(self._pending)
        # A column with another dictionary in each chunk would not be written as dictionary.
        self._out.write_table(table.slice(0, rows).unify_dictionaries(), ROW_GROUP)
        self._pending = table.slice(rows).to_batches()
        self._rows -= rows
