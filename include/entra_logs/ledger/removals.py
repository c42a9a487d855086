"""What upkeep removed for its age, noted before the first object goes.

ledger/removed/<what>/<table>/tenant_id=<guid>/<before>.json
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from include.entra_logs.lake import Lake, layout

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


def _before(lake: Lake, key: str) -> datetime | None:
    """What the note at `key` says; None if it is gone, or not ours."""
    name = _NAME.fullmatch(key.rpartition("/")[2])
    body = lake.store.get(key)
    if name is None or body is None:
        return None
    try:
        return msgspec.json.decode(body, type=Removal).before.astimezone(UTC)
    except (msgspec.MsgspecError, UnicodeDecodeError, OverflowError):
        pass
    try:
        second = datetime.strptime(name[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return second + timedelta(seconds=1)
