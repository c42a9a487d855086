"""A Parquet file of a table, read in batches, with its faults named."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from include.entra_logs.errors import Corrupt
from include.entra_logs.merge.blocks import Keys, Unsorted, ascending
from include.entra_logs.parquet import leaf_paths
from include.entra_logs.schema import CHANGED_AT, FIRST_SEEN_AT

BATCH = 4 * 1024
"""Rows that are merged at a time."""

BUFFER = 64 * 1024
"""Bytes that are read ahead of each column."""
FEW_BYTES = 8
"""A text column with fewer bytes for each value than this repeats itself."""

Span = tuple[int, int]
"""First and last event time, in microseconds."""


class PartitionFile:
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
