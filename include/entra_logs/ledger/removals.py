"""What made tables or raw hold less, noted before the first object goes or is replaced.

ledger/removed/<what>/<table>/tenant_id=<guid>/<before>.json       by upkeep, for its age
ledger/removed/rows/<table>/tenant_id=<guid>/<partition>.json      by a rebuild, raw lacking reads
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from include.entra_logs.api import PARTITION, later
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger.holdings import Lowered
from include.entra_logs.ledger.record import FirstSeen

TABLES, ROWS = "tables", "rows"

_T = TypeVar("_T")
_NAME = re.compile(r"(\d{8}T\d{6})\.json", re.ASCII)


@dataclass(frozen=True)
class Removal:
    """What upkeep removed for its age: everything of `what` that ended by `before`."""

    what: str
    """`tables` or `raw`."""
    api: str
    tenant_id: str
    before: datetime
    removed_at: datetime
    loaded_until: datetime | None = None
    """When the newest of the records was loaded that had told what was there."""


@dataclass(frozen=True)
class Recount:
    """What a rebuild left of a partition, where that is less than the records tell."""

    api: str
    tenant_id: str
    partition: datetime
    loaded_until: datetime
    """As of a `Removal`."""
    seen: tuple[FirstSeen, ...]


def note_removal(lake: Lake, removal: Removal) -> None:
    """Keep that `removal` is about to happen; call before the first object is deleted."""
    folder = layout.ledger_removed(removal.what, removal.api, removal.tenant_id)
    older = [f.key for f in lake.store.list(folder) if _NAME.fullmatch(f.key.rpartition("/")[2])]
    key = f"{folder}/{removal.before:%Y%m%dT%H%M%S}.json"
    lake.store.put_if_absent(key, msgspec.json.encode(removal))
    lake.store.delete(sorted({*older, key})[:-1])


def removed_before(lake: Lake, what: str, api: str, tenant_id: str) -> datetime | None:
    """What ended by this time may have been removed for its age; None: nothing was.

    A note that is cut or broken still says so by its name, to the second.
    """
    folder = layout.ledger_removed(what, api, tenant_id)
    found = [_before(lake, each.key) for each in lake.store.list(folder)]
    return max((before for before in found if before is not None), default=None)


def note_recount(lake: Lake, recount: Recount) -> None:
    """Keep that the partition is about to hold less; call before it is published."""
    folder = layout.ledger_removed(ROWS, recount.api, recount.tenant_id)
    key = f"{folder}/{recount.partition:%Y%m%dT%H}.json"
    lake.store.put(key, msgspec.json.encode(recount))


def lowered(lake: Lake, api: str | None = None, tenant_id: str | None = None) -> list[Lowered]:
    """All that makes records of before say nothing of what tables hold; of one table, or of all.

    A note that is broken says nothing: then `verify` names what the tables do not hold.
    """
    if api and tenant_id:
        folders = [layout.ledger_removed(what, api, tenant_id) for what in (TABLES, ROWS)]
    else:
        folders = [f"{layout.LEDGER_REMOVED}/{what}" for what in (TABLES, ROWS)]
    keys = [found.key for folder in folders for found in lake.store.list(folder)]
    notes = (_lowered(key, lake.store.get(key)) for key in keys)
    return [note for note in notes if note is not None]


def _lowered(key: str, body: bytes | None) -> Lowered | None:
    recounted = key.startswith(f"{layout.LEDGER_REMOVED}/{ROWS}/")
    if body is None:
        return None
    if recounted and (left := _decoded(body, _RECOUNT)) is not None:
        start, until = left.partition, left.loaded_until
        return Lowered(left.api, left.tenant_id, start, later(start, PARTITION), until, left.seen)
    if not recounted and (gone := _decoded(body, _REMOVAL)) is not None:
        first = datetime.min.replace(tzinfo=UTC)
        until = gone.loaded_until or gone.removed_at
        return Lowered(gone.api, gone.tenant_id, first, gone.before, until)
    return None


_REMOVAL, _RECOUNT = msgspec.json.Decoder(Removal), msgspec.json.Decoder(Recount)
"""Made at import, as the page decodes in threads: see `record.decode`."""


def _decoded(body: bytes, decoder: "msgspec.json.Decoder[_T]") -> _T | None:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, OverflowError):
        return None


def _before(lake: Lake, key: str) -> datetime | None:
    """What the note at `key` says; None if it is gone, or not ours."""
    name = _NAME.fullmatch(key.rpartition("/")[2])
    body = lake.store.get(key)
    if name is None or body is None:
        return None
    if (note := _decoded(body, _REMOVAL)) is not None:
        return note.before.astimezone(UTC)
    try:
        second = datetime.strptime(name[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return second + timedelta(seconds=1)
