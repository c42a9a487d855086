"""The ledger: one immutable record per load, rolled up to one Parquet file per month.

    ledger/records/month=YYYY-MM/<api>/<record_id>.json   appended, and gone once rolled up
    ledger/months/month=YYYY-MM/records.parquet           what DuckDB reads directly
    ledger/removed/…                                      up to when tables or raw were removed

The month is that of the window's start. A record may for a moment be in both places (a roll-up that
was cut short): every reading here gives it once. Several
processes may append and roll up at once.
"""

import io
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.entra_logs.api import Window
from include.entra_logs.errors import Corrupt, Transient
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger.record import (
    Lateness,
    LedgerRecord,
    PartitionCounts,
    month,
    record_id,
)
from include.entra_logs.ledger.record_table import SCHEMA, TIME, from_table, to_table

__all__ = ["Lateness", "LedgerRecord", "PartitionCounts", "Removal", "record_id"]

_T = TypeVar("_T")
_THREADS = 8
_TRIES = 5
MOST_LOOSE = 200
"""Loose records before a load rolls them up: more than a day leaves, fewer than a backfill does."""
_ROW_GROUP = 4096
"""Rows: few enough that a question for one API skips most of a month."""
_ORDER = [(name, "ascending") for name in ("api", "tenant_id", "window_start", "read_at")]


@dataclass(frozen=True)
class Removal:
    """What upkeep removed for its age: everything of `what` that ended by `before`."""

    what: str
    """`tables` or `raw`."""
    api: str
    tenant_id: str
    before: datetime
    removed_at: datetime


def append(lake: Lake, record: LedgerRecord) -> bool:
    """True if the record is new; False if one of its id waits to be rolled up. Durable."""
    key = layout.ledger_record(month(record.window_start), record.api, record.record_id)
    return lake.store.put_if_absent(key, msgspec.json.encode(record))


def records(
    lake: Lake,
    api: str | None = None,
    tenant_id: str | None = None,
    span: Window | None = None,
) -> Iterator[LedgerRecord]:
    """Each record once, ascending by api, tenant, window and `read_at`; chosen as by `table`."""
    return from_table(table(lake, api, tenant_id, span))


def table(
    lake: Lake,
    api: str | None = None,
    tenant_id: str | None = None,
    span: Window | None = None,
) -> pa.Table:
    """The same records as a table of `record_table.SCHEMA`.

    With `span`, those whose window, or a partition that they brought events to, overlaps it.
    Raises Corrupt, naming it, for a record or month that cannot be read.
    """
    loose = _loose(lake)  # before the months: a roll-up in between moves records there
    wanted = asked(api, tenant_id, span)
    keys = _months(lake)
    bodies = _each(lake.store.get, keys)  # at once, as they may come from afar
    parts = [_month(key, body, wanted, span) for key, body in zip(keys, bodies, strict=True)]
    months = pa.concat_tables([SCHEMA.empty_table(), *parts])
    new = to_table(r for r in loose if _overlaps(r, span)).filter(wanted)
    new = new.filter(pc.invert(pc.is_in(new["record_id"], months["record_id"])))
    return pa.concat_tables([months, new]).sort_by(_ORDER)


def asked(
    api: str | None = None, tenant_id: str | None = None, span: Window | None = None
) -> pc.Expression:
    """The rows of `table` that are of this api and tenant and touch `span`; None means all."""
    wanted = pc.scalar(True)
    if api is not None:
        wanted &= pc.field("api") == api
    if tenant_id is not None:
        wanted &= pc.field("tenant_id") == tenant_id
    if span is not None:
        wanted &= pc.field("touched_end") > pa.scalar(span.start, TIME)
        wanted &= pc.field("touched_start") < pa.scalar(span.end, TIME)
    return wanted


def roll_up(lake: Lake) -> int:
    """How many loose records were moved into the files of their months."""
    months: dict[str, list[str]] = {}
    for key in _loose_keys(lake):
        if part := re.search(r"/month=(\d{4}-\d\d)/.*\.json$", key):
            months.setdefault(part[1], []).append(key)
    return sum(_roll_up_month(lake, name, keys) for name, keys in sorted(months.items()))


def roll_up_many(lake: Lake) -> int:
    """The same, once there are more than `MOST_LOOSE`; 0 before.

    Each load reads every loose record, so a backfill of a year must not leave them to daily upkeep.
    """
    return roll_up(lake) if len(_loose_keys(lake)) > MOST_LOOSE else 0


def note_removal(lake: Lake, removal: Removal) -> None:
    """Keep that `removal` is about to happen; call before the first object is deleted."""
    folder = layout.ledger_removed(removal.what, removal.api, removal.tenant_id)
    older = [found.key for found in lake.store.list(folder)]
    key = f"{folder}/{removal.before:%Y%m%dT%H%M%S}.json"
    lake.store.put_if_absent(key, msgspec.json.encode(removal))
    lake.store.delete(sorted({*older, key})[:-1])


def removed_before(lake: Lake, what: str, api: str, tenant_id: str) -> datetime | None:
    """What ended by this time may have been removed for its age; None: nothing was."""
    folder = layout.ledger_removed(what, api, tenant_id)
    notes = _each(lake.store.get, [f.key for f in lake.store.list(folder)])
    found = [msgspec.json.decode(note, type=Removal) for note in notes if note is not None]
    return max((removal.before for removal in found), default=None)


def _roll_up_month(lake: Lake, name: str, keys: list[str]) -> int:
    """Merge the loose records `keys` into month `name`; only then delete them."""
    store, key = lake.store, layout.ledger_month(name)
    loose = [r for r in _each(partial(_record, lake), keys) if r is not None]
    for _ in range(_TRIES):
        tag = store.tag(key)
        parts = [to_table(loose)] if tag is None else [_month(key, store.get(key)), to_table(loose)]
        body = _parquet(_once(pa.concat_tables(parts)).sort_by(_ORDER))
        done = (
            store.put_if_absent(key, body)
            if tag is None
            else store.replace_if_unchanged(key, body, tag)
        )
        if done:
            store.delete(keys)
            return len(loose)
    raise Transient(f"{key} was replaced by others {_TRIES} times: run upkeep again.")


def _loose(lake: Lake) -> list[LedgerRecord]:
    return [r for r in _each(partial(_record, lake), _loose_keys(lake)) if r is not None]


def _loose_keys(lake: Lake) -> list[str]:
    return [found.key for found in lake.store.list(layout.ledger_records())]


def _months(lake: Lake) -> list[str]:
    return sorted(found.key for found in lake.store.list(layout.ledger_months()))


def _record(lake: Lake, key: str) -> LedgerRecord | None:
    """The loose record at `key`; None if a roll-up has moved it since it was listed."""
    body = lake.store.get(key)
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=LedgerRecord)
    except msgspec.MsgspecError as error:
        raise _broken(key) from error


def _month(
    key: str, body: bytes | None, wanted: pc.Expression | None = None, span: Window | None = None
) -> pa.Table:
    """The `wanted` rows of a month, with exactly the columns of `SCHEMA` whoever wrote it."""
    if body is None:
        raise _broken(key)
    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        if file.schema_arrow.equals(SCHEMA):
            if span is not None and _lies_elsewhere(file.metadata, span):
                return SCHEMA.empty_table()
            return pq.read_table(pa.BufferReader(body), filters=wanted)
        table = to_table(from_table(pq.read_table(pa.BufferReader(body))))
    except (pa.ArrowException, OSError) as error:
        raise _broken(key) from error
    return table if wanted is None else table.filter(wanted)


def _overlaps(record: LedgerRecord, span: Window | None) -> bool:
    """Whether the record says something about `span`; None is all of time."""
    return span is None or (record.touched_end > span.start and record.touched_start < span.end)


def _lies_elsewhere(month: pq.FileMetaData, span: Window) -> bool:
    """Whether all that a month says is about other times than `span`, as the file itself tells.

    Years of months are passed over by it at a tenth of what a filter would cost.
    """
    names = month.schema.names
    starts, ends = names.index("touched_start"), names.index("touched_end")
    for number in range(month.num_row_groups):
        group = month.row_group(number)
        start, end = group.column(starts).statistics, group.column(ends).statistics
        if not all(found is not None and found.has_min_max for found in (start, end)):
            return False
        if end.max > span.start and start.min < span.end:
            return False
    return True


def _each(work: Callable[[str], _T], keys: list[str]) -> list[_T]:
    """`work` of every key, in order, several at a time."""

    def share(number: int) -> list[_T]:
        return [work(key) for key in keys[number::_THREADS]]

    with ThreadPoolExecutor(_THREADS) as threads:
        done = list(threads.map(share, range(_THREADS)))
    return [done[place % _THREADS][place // _THREADS] for place in range(len(keys))]


def _once(table: pa.Table) -> pa.Table:
    """The first row of each record id."""
    index = pa.array(range(len(table)), pa.int64())
    firsts = (
        pa.table({"record_id": table["record_id"], "row": index})
        .group_by("record_id")
        .aggregate([("row", "min")])
    )
    return table.take(firsts["row_min"])


def _parquet(table: pa.Table) -> bytes:
    """The table as one Parquet file."""
    body = io.BytesIO()
    pq.write_table(table, body, compression="zstd", row_group_size=_ROW_GROUP)
    return body.getvalue()


def _broken(key: str) -> Corrupt:
    return Corrupt(
        f"{key} is not what the ledger keeps there: delete it, then make its records "
        "again from raw with `python -m include.entra_logs rebuild-ledger --table …`."
    )
