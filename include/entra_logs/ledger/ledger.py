"""The ledger: one immutable record per load, rolled up to one Parquet file per month.

    ledger/reads/<table>/tenant_id=<guid>/month=YYYY-MM/
      <record_id>.json      appended, and gone once rolled up
      records.parquet       what DuckDB reads directly
      reached-from-YYYY-MM  a record of that month touches this month as well

The month is that of the window's start. A question lists the folder of its table and tenant, and
reads the months that it is about and those that reach into them: never another tenant's. A record
may for a moment be in both places (a roll-up that was cut short): every reading here gives it once.
Several processes may append and roll up at once.
"""

import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.entra_logs.api import Window, months_between
from include.entra_logs.errors import Corrupt, Transient
from include.entra_logs.lake import Lake, layout
from include.entra_logs.lake.layout import Shelf
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.record_table import SCHEMA, TIME, from_table, to_table

_T = TypeVar("_T")
_THREADS = 8
_TRIES = 5
MOST_LOOSE = 200
"""Loose records of a table and tenant before a load rolls them up.

More than a day leaves, fewer than a backfill does."""
MICROSECOND = timedelta(microseconds=1)
_FEW = 4
"""Months that are asked for by name, listed or not."""
_ORDER = [(name, "ascending") for name in ("api", "tenant_id", "window_start", "read_at")]


def append(lake: Lake, record: LedgerRecord) -> bool:
    """True if the record is new; False if one of its id waits to be rolled up. Durable."""
    _announce(lake, [record])
    key = layout.ledger_record(shelf_of(record), record.record_id)
    return lake.store.put_if_absent(key, msgspec.json.encode(record))


def keep(lake: Lake, records: Iterable[LedgerRecord]) -> None:
    """The records are in the files of their months, each once whatever was there. Durable."""
    shelves: dict[Shelf, list[LedgerRecord]] = defaultdict(list)
    for record in records:
        shelves[shelf_of(record)].append(record)
    for shelf, found in shelves.items():
        _announce(lake, found)
        _merge_into_month(lake, shelf, found)


def shelf_of(record: LedgerRecord) -> Shelf:
    """Where the ledger keeps the record."""
    return Shelf.of(record.api, record.tenant_id, record.window_start)


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
    listed = _listed(lake, api, tenant_id)
    shelves = _about(listed, span)
    keys = [key for shelf in shelves for key in listed[shelf] if key.endswith(layout.RECORD_SUFFIX)]
    loose = _each(partial(_record, lake), keys)  # before the months: a roll-up moves them there
    shelves |= _unlisted(lake, api, tenant_id, span)
    months = [layout.ledger_month(shelf) for shelf in sorted(shelves)]
    bodies = _each(lake.store.get, months)  # at once, as they may come from afar
    wanted = asked(api, tenant_id, span)
    parts = [
        _month(k, body, wanted) for k, body in zip(months, bodies, strict=True) if body is not None
    ]
    rolled_up = pa.concat_tables([SCHEMA.empty_table(), *parts])
    new = to_table(r for r in loose if r is not None).filter(wanted)
    new = new.filter(pc.invert(pc.is_in(new["record_id"], rolled_up["record_id"])))
    return pa.concat_tables([rolled_up, new]).sort_by(_ORDER)


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


def roll_up(lake: Lake, api: str | None = None, tenant_id: str | None = None) -> int:
    """How many loose records were moved into the files of their months."""
    return sum(
        _roll_up_month(lake, shelf, keys)
        for shelf, keys in sorted(_loose(_listed(lake, api, tenant_id)).items())
    )


def roll_up_many(lake: Lake, api: str, tenant_id: str) -> int:
    """The same, once there are more than `MOST_LOOSE`; 0 before.

    Each load reads loose records, so a backfill of a year must not leave them to daily upkeep.
    """
    loose = _loose(_listed(lake, api, tenant_id))
    if sum(map(len, loose.values())) <= MOST_LOOSE:
        return 0
    return sum(_roll_up_month(lake, shelf, keys) for shelf, keys in sorted(loose.items()))


def _announce(lake: Lake, found: Iterable[LedgerRecord]) -> None:
    """Each month that a record touches beside its own says so, before the record is there."""
    reached = {
        (shelf_of(record), Shelf.of(record.api, record.tenant_id, start))
        for record in found
        for start in record.touched()
    }
    for own, other in sorted(reached):
        if own != other:
            lake.store.put_if_absent(layout.ledger_reached(other, own.month), b"")


def _listed(lake: Lake, api: str | None, tenant_id: str | None) -> dict[Shelf, list[str]]:
    """All keys of the ledger that are of this api and tenant, by shelf; None means all."""
    found: dict[Shelf, list[str]] = defaultdict(list)
    wanted = None if tenant_id is None else layout.tenant_folder(tenant_id)
    for stored in lake.store.list(layout.ledger_reads(api, tenant_id if api else None)):
        shelf = layout.ledger_shelf(stored.key)
        if shelf and wanted in (None, shelf.tenant):
            found[shelf].append(stored.key)
    return found


def _about(listed: dict[Shelf, list[str]], span: Window | None) -> set[Shelf]:
    """The shelves with all that was listed about `span`: its months, and what reaches into them."""
    if span is None:
        return set(listed)
    first, last = (layout.month(at) for at in (span.start, span.end - MICROSECOND))
    own = {shelf for shelf in listed if first <= shelf.month <= last}
    reaching = {
        shelf._replace(month=month)
        for shelf in own
        for key in listed[shelf]
        if (month := layout.ledger_reached_from(key))
    }
    return own | reaching


def _unlisted(
    lake: Lake, api: str | None, tenant_id: str | None, span: Window | None
) -> set[Shelf]:
    """Shelves whose first roll-up may have hidden all that they hold from a listing under way.

    By name, where the question has names and few months; else by a listing that begins now.
    """
    if api and tenant_id and span:
        months = list(islice(months_between(span.start, span.end), _FEW + 1))
        if len(months) <= _FEW:
            return {Shelf.of(api, tenant_id, month) for month in months}
    return _about(_listed(lake, api, tenant_id), span)


def _loose(listed: dict[Shelf, list[str]]) -> dict[Shelf, list[str]]:
    """Keys of the records that are not rolled up; shelves without any are left out."""
    loose = {
        shelf: [key for key in keys if key.endswith(layout.RECORD_SUFFIX)]
        for shelf, keys in listed.items()
    }
    return {shelf: keys for shelf, keys in loose.items() if keys}


def _roll_up_month(lake: Lake, shelf: Shelf, keys: list[str]) -> int:
    """Merge the loose records `keys` into their month; only then delete them."""
    loose = [r for r in _each(partial(_record, lake), keys) if r is not None]
    _merge_into_month(lake, shelf, loose)
    lake.store.delete(keys)
    return len(loose)


def _merge_into_month(lake: Lake, shelf: Shelf, new: list[LedgerRecord]) -> None:
    store, key = lake.store, layout.ledger_month(shelf)
    for _ in range(_TRIES):
        tag = store.tag(key)
        parts = [to_table(new)]
        if tag is not None and (body := store.get(key)) is not None:
            parts.insert(0, _month(key, body))
        whole = _parquet(_once(pa.concat_tables(parts)).sort_by(_ORDER))
        if (
            store.put_if_absent(key, whole)
            if tag is None
            else store.replace_if_unchanged(key, whole, tag)
        ):
            return
    raise Transient(f"{key} was replaced by others {_TRIES} times: run upkeep again.")


def _record(lake: Lake, key: str) -> LedgerRecord | None:
    """The loose record at `key`; None if a roll-up has moved it since it was listed."""
    body = lake.store.get(key)
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=LedgerRecord)
    except msgspec.MsgspecError as error:
        raise _broken(key) from error


def _month(key: str, body: bytes, wanted: pc.Expression | None = None) -> pa.Table:
    """The `wanted` rows of a month, with exactly the columns of `SCHEMA` whoever wrote it."""
    try:
        if pq.read_schema(pa.BufferReader(body)).equals(SCHEMA):
            return pq.read_table(pa.BufferReader(body), filters=wanted)
        found = to_table(from_table(pq.read_table(pa.BufferReader(body))))
    except (pa.ArrowException, OSError) as error:
        raise _broken(key) from error
    return found if wanted is None else found.filter(wanted)


def _each(work: Callable[[str], _T], keys: list[str]) -> list[_T]:
    """`work` of every key, in order, several at a time."""
    if len(keys) < 2:
        return [work(key) for key in keys]

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
    pq.write_table(table, body, compression="zstd")
    return body.getvalue()


def _broken(key: str) -> Corrupt:
    return Corrupt(
        f"{key} is not what the ledger keeps there: delete it, then make its records "
        "again from raw with `python -m include.entra_logs rebuild-ledger`."
    )
