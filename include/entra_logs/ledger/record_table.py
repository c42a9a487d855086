"""Records of the ledger as an Arrow table, the form of a rolled-up month and of what BI asks."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import asdict, fields

from include.entra_logs.ledger.record import LedgerRecord, PartitionCounts

TIME = pa.timestamp("us", tz="UTC")
_EPOCH = datetime.fromtimestamp(0, UTC)
_RECORDS = list[LedgerRecord]

_TYPES: Mapping[object, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
}
_TIMES = ("window_start", "window_end", "read_at", "loaded_at", "first_event", "last_event")
_DERIVED = {
    "touched_start": TIME,
    "touched_end": TIME,
    "added": pa.int64(),
    "changed": pa.int64(),
    "unchanged": pa.int64(),
    "lacked": pa.int64(),
}
_SEEN = pa.struct([("at", TIME), ("rows", pa.int64())])
_NOT_COUNTS = {"partition": TIME, "seen": pa.list_(_SEEN)}
_COUNTS = pa.struct(
    [(f.name, _NOT_COUNTS.get(f.name, pa.int64())) for f in fields(PartitionCounts)]
)
_SURPRISE = pa.struct([("name", pa.string()), ("events", pa.int64())])


def _schema() -> pa.Schema:
    """Each field of a record as a column; counts summed over its partitions beside them."""
    special = dict.fromkeys(_TIMES, TIME) | {
        "partitions": pa.list_(_COUNTS),
        "surprises": pa.list_(_SURPRISE),
    }
    columns = [(f.name, special.get(f.name) or _TYPES[f.type]) for f in fields(LedgerRecord)]
    return pa.schema(columns + list(_DERIVED.items()))


_ZEROS = {f.name for f in fields(LedgerRecord) if f.default in (0, False)}
SCHEMA = _schema()
"""Columns of the ledger: the fields of `LedgerRecord`, and what follows from its partitions."""


def to_table(records: Iterable[LedgerRecord]) -> pa.Table:
    """The records as a table of `SCHEMA`, in their order."""
    return pa.Table.from_pylist([_row(r) for r in records], SCHEMA)


def from_table(table: pa.Table) -> Iterator[LedgerRecord]:
    """The records of a table that `to_table` made, this version's or an older one's."""
    columns = {n: _values(table[n]) for n in table.column_names if _tells(n, table[n])}
    rows = zip(*columns.values(), strict=True)
    yield from msgspec.convert([dict(zip(columns, row, strict=True)) for row in rows], _RECORDS)


def _tells(name: str, column: pa.ChunkedArray) -> bool:
    """Whether the column says more than a record does without it: most counts are always 0."""
    if name in _DERIVED:
        return False
    if name == "surprises":
        return bool(pc.sum(pc.list_value_length(column)).as_py())
    if name not in _ZEROS or column.null_count:
        return True
    least, most = pc.min_max(column).as_py().values()
    return bool(least or most)


def _values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The column in Python; times by way of integers, as pyarrow takes 4 µs for each of them."""
    if pa.types.is_timestamp(column.type):
        ticks = column.cast(TIME).cast(pa.int64()).to_pylist()
        return [None if t is None else _moment(t) for t in ticks]
    if pa.types.is_list(column.type):
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        return _lists(whole)
    return list(column.to_pylist())


@lru_cache(1 << 14)
def _moment(ticks: int) -> datetime:
    """The time so many microseconds after the epoch: all APIs and sweeps read the same windows."""
    return _EPOCH + timedelta(microseconds=ticks)


def _lists(column: pa.ListArray) -> list[Any]:
    """A column of lists of structs: partitions as lists of dicts, surprises as one dict each."""
    items = column.flatten()
    fields_ = {f.name: _values(items.field(f.name)) for f in items.type}
    rows = iter(
        [dict(zip(fields_, row, strict=True)) for row in zip(*fields_.values(), strict=True)]
    )
    lists = [list(islice(rows, length or 0)) for length in column.value_lengths().to_pylist()]
    if items.type != _SURPRISE:
        return lists
    return [{found["name"]: found["events"] for found in each} for each in lists]


def _counts(found: PartitionCounts) -> dict[str, object]:
    return asdict(found) | {"seen": [asdict(step) for step in found.seen]}


def _row(record: LedgerRecord) -> dict[str, object]:
    row = {name: getattr(record, name) for name in record.__struct_fields__}
    row["partitions"] = [_counts(each) for each in record.partitions]
    row["surprises"] = [{"name": n, "events": c} for n, c in sorted(record.surprises.items())]
    return row | {name: getattr(record, name) for name in _DERIVED}
