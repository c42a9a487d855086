"""What upkeep removed for its age, noted before the first object goes.

ledger/removed/<what>/<table>/tenant_id=<guid>/<before>.json
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from include.entra_logs.api import PARTITION
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger.holdings import Lowered
from include.entra_logs.ledger.record import FirstSeen

TABLES, ROWS = "tables", "rows"


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
    older = [found.key for found in lake.store.list(folder)]
    key = f"{folder}/{removal.before:%Y%m%dT%H%M%S}.json"
    lake.store.put_if_absent(key, msgspec.json.encode(removal))
    lake.store.delete(sorted({*older, key})[:-1])


def removed_before(lake: Lake, what: str, api: str, tenant_id: str) -> datetime | None:
    """What ended by this time may have been removed for its age; None: nothing was."""
    folder = layout.ledger_removed(what, api, tenant_id)
    notes = [lake.store.get(found.key) for found in lake.store.list(folder)]
    found = [msgspec.json.decode(note, type=Removal) for note in notes if note is not None]
    return max((removal.before for removal in found), default=None)


def note_recount(lake: Lake, recount: Recount) -> None:
    """Keep that the partition is about to hold less; call before it is published."""
    folder = layout.ledger_removed(ROWS, recount.api, recount.tenant_id)
    key = f"{folder}/{recount.partition:%Y%m%dT%H}.json"
    lake.store.put(key, msgspec.json.encode(recount))


def lowered(lake: Lake, api: str | None = None, tenant_id: str | None = None) -> list[Lowered]:
    """All that makes records of before say nothing of what tables hold; of one table, or of all."""
    if api and tenant_id:
        folders = [layout.ledger_removed(what, api, tenant_id) for what in (TABLES, ROWS)]
    else:
        folders = [f"{layout.LEDGER_REMOVED}/{what}" for what in (TABLES, ROWS)]
    keys = [found.key for folder in folders for found in lake.store.list(folder)]
    notes = ((key, lake.store.get(key)) for key in keys)
    return [_lowered(key, body) for key, body in notes if body is not None]


def _lowered(key: str, body: bytes) -> Lowered:
    if key.startswith(f"{layout.LEDGER_REMOVED}/{ROWS}/"):
        recount = msgspec.json.decode(body, type=Recount)
        start, until = recount.partition, recount.loaded_until
        whose = (recount.api, recount.tenant_id)
        return Lowered(*whose, start, start + PARTITION, until, recount.seen)
    gone = msgspec.json.decode(body, type=Removal)
    first = datetime.min.replace(tzinfo=UTC)
    until = gone.loaded_until or gone.removed_at
    return Lowered(gone.api, gone.tenant_id, first, gone.before, until)
