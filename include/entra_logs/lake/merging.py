"""One stored file and one incoming file of a partition made into one, in batches."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from include.entra_logs.errors import Corrupt, Transient
from include.entra_logs.lake.blocks import Keys, Unsorted, ascending, blocks
from include.entra_logs.lake.evolve import conform, unified
from include.entra_logs.lake.versions import Block, merged, surely_alters
from include.entra_logs.parquet import ROW_GROUP, leaf_paths, with_dictionaries, writer
from include.entra_logs.schema import CHANGED_AT, FIRST_SEEN_AT

BATCH = 4 * 1024
"""Rows that are merged at a time."""

BUFFER = 64 * 1024
"""Bytes that are read ahead of each column."""
FEW_BYTES = 8
"""A text column with fewer bytes for each value than this repeats itself."""

Span = tuple[int, int]
"""First and last event time, in microseconds."""


class Source:
    """A Parquet file of a table, sorted by event time and id; Corrupt, saying `remedy`, if not."""

    def __init__(self, path: Path, name: str, remedy: str, keys: Keys) -> None:
        self._path = path
        self._keys = keys
        self.broken = f"{name} is not a whole, sorted Parquet file of its table: {remedy}."
        try:
            self._meta = pq.read_metadata(path)
            self.schema = self._meta.schema.to_arrow_schema()
        except (pa.ArrowException, OSError) as error:
            raise Corrupt(self.broken) from error
        if not {*self.key_columns, FIRST_SEEN_AT, CHANGED_AT} <= {*self.schema.names}:
            raise Corrupt(self.broken)
        self.rows = self._meta.num_rows

    @property
    def key_columns(self) -> list[str]:
        """The columns that identify and order an event's versions."""
        keys = (self._keys.event_time, self._keys.id, self._keys.updated)
        return [name for name in keys if name]

    def repetitive(self) -> set[str]:
        """The text columns that Parquet holds as dictionaries: a few bytes for each value."""
        paths = leaf_paths(self.schema)
        found = set()
        for name in self.schema.names:
            if self.schema.field(name).type == pa.string() and name != self._keys.id:
                at = paths.index(name)
                groups = range(self._meta.num_row_groups)
                sizes = [self._meta.row_group(g).column(at).total_uncompressed_size for g in groups]
                if sum(sizes) < FEW_BYTES * self.rows:
                    found.add(name)
        return found

    def batches(
        self,
        columns: list[str] | None = None,
        within: Span | None = None,
        encoded: Collection[str] = (),
    ) -> Iterator[pa.RecordBatch]:
        """The rows ascending; with `within`, only of row groups that may hold such times.

        Those of the text columns named in `encoded` that are there come as dictionaries.
        """
        have = [name for name in encoded if name in self.schema.names]
        groups = [
            group
            for group, span in enumerate(self.spans())
            if not (within and span) or (span[0] <= within[1] and span[1] >= within[0])
        ]
        try:
            with pq.ParquetFile(
                self._path, buffer_size=BUFFER, pre_buffer=False, read_dictionary=have
            ) as file:
                found = file.iter_batches(BATCH, row_groups=groups, columns=columns)
                yield from ascending(found, self._keys)
        except (pa.ArrowException, OSError, Unsorted) as error:
            raise Corrupt(self.broken) from error

    def spans(self) -> list[Span | None]:
        """The event times of each row group; None where the file does not say."""
        at = leaf_paths(self.schema).index(self._keys.event_time)
        found: list[Span | None] = []
        for group in range(self._meta.num_row_groups):
            stats = self._meta.row_group(group).column(at).statistics
            known = stats is not None and stats.has_min_max
            found.append((stats.min_raw, stats.max_raw) if known else None)
        return found


@dataclass(frozen=True)
class Merging:
    """What merging did, or would do."""

    added: int
    changed: int
    altered: bool


def merge_files(old: Source, new: Source, built: Path, at: int, keys: Keys) -> Merging:
    """What the read `at` (microseconds) did; if that alters `old`, `built` is the merged file.

    Looks first whether anything changes: at the keys alone, then at all columns, and only where
    `new` has rows. Raises Corrupt for a source that cannot be read, or a column that was retyped.
    """
    if not _surely_alters(old, new, at, keys):
        counts = _total(_merged(old, new, at, keys, _span(new)))
        if not counts.altered:
            return counts
    return _build(old, new, built, at, keys)


def _span(source: Source) -> Span | None:
    spans = source.spans()
    known = [span for span in spans if span]
    if not known or len(known) < len(spans):
        return None
    return known[0][0], known[-1][1]


def _surely_alters(old: Source, new: Source, at: int, keys: Keys) -> bool:
    columns = [*old.key_columns, FIRST_SEEN_AT]
    pairs = blocks(old.batches(columns, _span(new)), new.batches(columns), keys)
    return any(surely_alters(left, right, at, keys) for left, right in pairs)


def _merged(
    old: Source,
    new: Source,
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


def _schema(old: Source, new: Source) -> pa.Schema:
    try:
        return unified(new.schema, old.schema)
    except TypeError as error:
        raise Corrupt(f"{old.broken} ({error})") from error


def _build(old: Source, new: Source, built: Path, at: int, keys: Keys) -> Merging:
    schema = _schema(old, new)
    encoded = old.repetitive()
    rows = added = changed = 0
    with writer(built, schema, (keys.event_time, keys.id), encoded) as out:
        groups = _RowGroups(out)
        for block in _merged(old, new, at, keys, encoded=encoded):
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
        # One chunk: a column with a dictionary for each chunk would not be written as one.
        self._out.write_table(table.slice(0, rows).combine_chunks(), ROW_GROUP)
        self._pending = table.slice(rows).to_batches()
        self._rows -= rows
