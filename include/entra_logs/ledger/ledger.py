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

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from include.entra_logs.api import Window, months_between
from include.entra_logs.errors import Corrupt, EntraLakeError
from include.entra_logs.lake import Lake, layout
from include.entra_logs.lake.layout import Shelf
from include.entra_logs.ledger import objects
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.record_table import SCHEMA, TIME, from_table, to_table
from include.entra_logs.ledger.rolling import ORDER, merge_into_month, roll_up_shelf

log = logging.getLogger(__name__)

MOST_LOOSE = 200
"""Loose records of a table and tenant before a load rolls them up.

More than a day leaves, fewer than a backfill does."""
MICROSECOND = timedelta(microseconds=1)
_FEW = 4
"""Months that are asked for by name, listed or not."""


class Readable(NamedTuple):
    """What can be read of the ledger, and what cannot."""

    table: pa.Table
    broken: dict[Shelf, Corrupt]
    """By shelf that is not wholly known, since something on it, or that reaches it, is broken."""


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
        merge_into_month(lake, shelf, found)


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
    Raises Corrupt, naming it, for a record or month among these that cannot be read.
    """
    found = readable(lake, api, tenant_id, span)
    for error in found.broken.values():
        raise error
    return found.table


def readable(
    lake: Lake,
    api: str | None = None,
    tenant_id: str | None = None,
    span: Window | None = None,
) -> Readable:
    """As `table`, of what can be read, for who has use for a part; the rest by its errors."""
    listed = _listed(lake, api, tenant_id)
    shelves = _about(listed, span)
    keys = [key for shelf in shelves for key in listed[shelf] if key.endswith(layout.RECORD_SUFFIX)]
    loose = objects.each(partial(objects.record, lake), keys)  # first: a roll-up moves them
    shelves |= _unlisted(lake, api, tenant_id, span)
    months = [layout.ledger_month(shelf) for shelf in sorted(shelves)]
    wanted = asked(api, tenant_id, span)
    rows = objects.each(partial(_month, lake, wanted), months)  # at once: they may come from afar
    parts = [part for part in rows if isinstance(part, pa.Table)]
    rolled_up = pa.concat_tables([SCHEMA.empty_table(), *parts])
    new = to_table(r for r in loose if isinstance(r, LedgerRecord)).filter(wanted)
    new = new.filter(pc.invert(pc.is_in(new["record_id"], rolled_up["record_id"])))
    broken = {
        shelf: error
        for key, error in zip([*keys, *months], [*loose, *rows], strict=True)
        if isinstance(error, Corrupt) and (shelf := layout.ledger_shelf(key))
    }
    return Readable(
        pa.concat_tables([rolled_up, new]).sort_by(ORDER), _with_reached(listed, broken)
    )


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
    """How many loose records were moved into the files of their months.

    What fails in one month stops no other: its error is raised once all others are done.
    """
    return _rolled_up(lake, _loose(_listed(lake, api, tenant_id)))


def roll_up_many(lake: Lake, api: str, tenant_id: str) -> int:
    """The same, once there are more than `MOST_LOOSE`; 0 before, and where it has to give way.

    Each load reads loose records, so a backfill of a year must not leave them to daily upkeep. But
    no load fails by it: its own record is durable, and upkeep says what is wrong.
    """
    try:
        loose = _loose(_listed(lake, api, tenant_id))
        if sum(map(len, loose.values())) > MOST_LOOSE:
            return _rolled_up(lake, loose)
    except EntraLakeError as error:
        log.warning("Records of %s are left for upkeep to roll up: %s", api, error)
    return 0


def _rolled_up(lake: Lake, loose: dict[Shelf, list[str]]) -> int:
    done = 0
    failed: list[EntraLakeError] = []
    for shelf, keys in sorted(loose.items()):
        try:
            done += roll_up_shelf(lake, shelf, keys)
        except EntraLakeError as error:
            log.warning("%s", error)
            failed.append(error)
    if failed:
        raise failed[0]
    return done


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


def _with_reached(
    listed: dict[Shelf, list[str]], broken: dict[Shelf, Corrupt]
) -> dict[Shelf, Corrupt]:
    """`broken`, and the shelves that say that such a one reaches them."""
    reached = {
        shelf: broken[other]
        for shelf, keys in listed.items()
        for key in keys
        if (month := layout.ledger_reached_from(key))
        and (other := shelf._replace(month=month)) in broken
    }
    return reached | broken


def _month(lake: Lake, wanted: pc.Expression, key: str) -> pa.Table | None:
    """The `wanted` rows of a month; None if there is none."""
    body = lake.store.get(key)
    return None if body is None else objects.month(key, body, wanted)


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
