"""One object of the ledger, as whoever wrote it left it: a loose record, or a month of them.

What is not as we write it is Corrupt, by name, whatever it is: empty, cut, foreign, of other types.
Loose files whose names are not those of records either are nobody's business here.
"""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.entra_logs.errors import Corrupt, Refused
from include.entra_logs.lake import Lake
from include.entra_logs.ledger.record import LedgerRecord, decode
from include.entra_logs.ledger.record_table import SCHEMA, from_table, to_table

_T = TypeVar("_T")
_THREADS = 8
_OURS = re.compile(r"\d{8}T\d{6}Z-[A-Za-z0-9_.-]+\.json", re.ASCII)
"""The names of records: `layout.read_id`, and what a replay adds to it."""
_WIDEST = timedelta(days=3660)
"""No record is of a longer window: each two hours of it are looked at."""
_ALWAYS = (
    *("record_id", "read_id", "api", "tenant_id", "kind", "filter_by", "run_id"),
    *("window_start", "window_end", "read_at", "loaded_at"),
)
_NEEDED = (*_ALWAYS, "touched_start", "touched_end")
_UNREADABLE = (
    *(pa.ArrowException, OSError, msgspec.MsgspecError, RecursionError),
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
)
"""What reading bytes that anybody may have written ends with."""


def record(lake: Lake, key: str) -> LedgerRecord | None:
    """The loose record at `key`; None if a roll-up has moved it since it was listed, or not ours.

    Raises Corrupt, naming it, if it is not what the ledger keeps there.
    """
    body = lake.store.get(key)
    if body is None:
        return None
    try:
        found = decode(body)
        _require_window(found.window_start, found.window_end, found.read_at, found.loaded_at)
    except _UNREADABLE as error:
        if not _OURS.fullmatch(key.rpartition("/")[2]):
            return None
        raise broken(key) from error
    return found


def month(key: str, body: bytes, wanted: pc.Expression | None = None) -> pa.Table:
    """The `wanted` rows of a month, with exactly the columns of `SCHEMA` whoever wrote it.

    Raises Corrupt, naming it, if it is not what the ledger keeps there.
    """
    try:
        schema = pq.read_schema(pa.BufferReader(body))
        if schema.equals(SCHEMA):
            found = pq.read_table(pa.BufferReader(body), filters=wanted)
        else:
            known = [name for name in SCHEMA.names if name in schema.names]
            if not set(_ALWAYS) <= set(known):
                raise ValueError("a table without what names a record")
            rows = pq.read_table(pa.BufferReader(body), columns=known)
            found = to_table(from_table(rows))
            found = found if wanted is None else found.filter(wanted)
        _require_sound(found)
    except _UNREADABLE as error:
        raise broken(key) from error
    return found


def require_known(key: str, body: bytes) -> None:
    """Refused if the month holds what this version would lose by writing it again."""
    if beyond := _beyond(pq.read_schema(pa.BufferReader(body)), SCHEMA):
        raise Refused(
            f"{key} was written by a newer version of Entra Lake, which keeps {beyond} there: "
            "update this one. Until then records stay beside that file, and all is read."
        )


def broken(key: str) -> Corrupt:
    """The error for what is not as the ledger keeps it."""
    return Corrupt(
        f"{key} is not what the ledger keeps there: do `python -m include.entra_logs "
        "rebuild-ledger`, which puts it aside and records its reads again from raw."
    )


def each(work: Callable[[str], _T], keys: list[str]) -> list[_T | Corrupt]:
    """`work` of every key, or what is broken there, in order, several at a time."""

    def tried(key: str) -> _T | Corrupt:
        try:
            return work(key)
        except Corrupt as error:
            return error

    def share(number: int) -> list[_T | Corrupt]:
        return [tried(key) for key in keys[number::_THREADS]]

    if len(keys) < 2:
        return [tried(key) for key in keys]
    with ThreadPoolExecutor(_THREADS) as threads:
        done = list(threads.map(share, range(_THREADS)))
    return [done[place % _THREADS][place // _THREADS] for place in range(len(keys))]


def _require_window(start: datetime, end: datetime, *others: datetime) -> None:
    """ValueError for a record of no window, or one with a time that has no zone."""
    if (
        not all(at.tzinfo for at in (start, end, *others))
        or not timedelta() < end - start < _WIDEST
    ):
        raise ValueError("a record of no window")


def _require_sound(table: pa.Table) -> None:
    """ValueError for records that cannot be: without a name or time, or of no window."""
    if any(table[name].null_count for name in _NEEDED):
        raise ValueError("a record without what names it")
    width = pc.subtract(
        table["window_end"].cast(pa.int64()), table["window_start"].cast(pa.int64())
    )
    most = _WIDEST // timedelta(microseconds=1)
    if not pc.all(pc.and_(pc.greater(width, 0), pc.less(width, most)), min_count=0).as_py():
        raise ValueError("a record of no window")


def _beyond(theirs: pa.Schema | pa.DataType, ours: pa.Schema | pa.DataType) -> str:
    """The name of a column, or of a part of one, that only `theirs` has; empty without one."""
    if isinstance(theirs, pa.ListType) and isinstance(ours, pa.ListType):
        return _beyond(theirs.value_type, ours.value_type)
    if not isinstance(theirs, pa.Schema | pa.StructType):
        return ""
    known = {field.name: field.type for field in ours}
    for field in theirs:
        if field.name not in known:
            return str(field.name)
        if inner := _beyond(field.type, known[field.name]):
            return inner
    return ""
