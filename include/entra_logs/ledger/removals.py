"""What upkeep removed for its age, noted before the first object goes.

ledger/removed/<what>/<table>/tenant_id=<guid>/<before>.json
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from include.entra_logs.lake import Lake, layout


@dataclass(frozen=True)
class Removal:
    """What upkeep removed for its age: everything of `what` that ended by `before`."""

    what: str
    """`tables` or `raw`."""
    api: str
    tenant_id: str
    before: datetime
    removed_at: datetime


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
