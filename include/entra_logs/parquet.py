"""How every Parquet file of the project is written, so that all readers of BI take it.

Format 2.6 with data pages 1.0, zstd, and microsecond UTC times: what Power BI, Synapse, Spark,
Trino, Snowflake and DuckDB all read (nanoseconds are refused by Spark, and data pages 2.0 by some).
Sorted by event time and id, with statistics and a page index, so a reader skips what it need not.
"""

from base64 import b64encode
from collections.abc import Collection
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

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
