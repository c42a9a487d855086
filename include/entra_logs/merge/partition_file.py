"""The file of a partition: written so that all readers of BI take it, and read in batches.

Format 2.6 with data pages 1.0, zstd, and microsecond UTC times: what Power BI, Synapse, Spark,
Trino, Snowflake and DuckDB all read (nanoseconds are refused by Spark, and data pages 2.0 by some).
Sorted by event time and id, with statistics and a page index, so a reader skips what it need not.
"""

from base64 import b64encode
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from include.entra_logs.errors import Corrupt
from include.entra_logs.merge.blocks import Keys, Unsorted, ascending
from include.entra_logs.schema import CHANGED_AT, FIRST_SEEN_AT

DICTIONARY = pa.dictionary(pa.int32(), pa.string())
"""How a text column that repeats itself is held in memory: a tenth of its size."""
ROW_GROUP = 32 * 1024
"""Rows in a row group: small enough to be merged in little memory, large enough to compress."""


def writer(
    where: Path | IO[bytes],
    schema: pa.Schema,
    sort_by: tuple[str, str],
    encoded: Collection[str] = (),
) -> pq.ParquetWriter:
    """A writer of final quality. Rows come sorted by `sort_by`: the columns of event time and id.

    Write whole row groups of `ROW_GROUP` rows, or less: each `write_table` begins a new one. The
    columns named in `encoded` are handed over as dictionaries; the file still declares `schema`.
    """
    order = [(name, "ascending") for name in sort_by]
    made = pq.ParquetWriter(
        where,
        with_dictionaries(schema, encoded),
        store_schema=not encoded,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=3,
        use_dictionary=[path for path in leaf_paths(schema) if path not in sort_by],
        write_statistics=True,
        write_page_index=True,
        sorting_columns=pq.SortingColumn.from_ordering(schema, order),
    )
    if encoded:
        made.add_key_value_metadata({"ARROW:schema": b64encode(schema.serialize()).decode()})
    return made


def with_dictionaries(schema: pa.Schema, names: Collection[str]) -> pa.Schema:
    """`schema` with dictionaries in place of the strings of these columns."""
    return pa.schema(
        [field.with_type(DICTIONARY) if field.name in names else field for field in schema]
    )


def leaf_paths(schema: pa.Schema) -> list[str]:
    """The Parquet paths of all values, such as `applied_policies.list.element.id`."""
    return [path for path, _ in leaves(schema)]


def leaves(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    """The same paths, each with the type of its values."""
    return [leaf for field in schema for leaf in _leaves(field.name, field.type)]


def _leaves(path: str, kind: pa.DataType) -> list[tuple[str, pa.DataType]]:
    if pa.types.is_struct(kind):
        return [leaf for field in kind for leaf in _leaves(f"{path}.{field.name}", field.type)]
    if pa.types.is_list(kind):
        return _leaves(f"{path}.list.element", kind.value_type)
    return [(path, kind)]


BATCH = 4 * 1024
"""Rows that are merged at a time."""

BUFFER = 64 * 1024
"""Bytes that are read ahead of each column."""
FEW_BYTES = 8
"""A text column with fewer bytes for each value than this repeats itself."""


def require_content(error: Exception) -> None:
    """Raises `error` again if it is the disk's: Arrow's own of a file's content has no number."""
    if isinstance(error, OSError) and error.errno:
        raise error


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
            require_content(error)
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
            require_content(error)
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
