"""Reads that wait to be loaded: one small object each, from before its manifest to its record.

It tells a read that a load is still to come for from one whose record was lost. What belongs to
nobody any more is loaded by upkeep.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

import msgspec

from include.entra_logs.api import Window
from include.entra_logs.lake import Lake, layout

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Waiting:
    """A read that is complete, or about to be."""

    read_id: str
    api: str
    tenant_id: str
    window: Window
    kind: str
    run_id: str
    read_at: datetime

    @property
    def key(self) -> str:
        """Where it is said that the read waits."""
        return layout.waiting_read(self.api, self.tenant_id, self.read_id)

    @property
    def manifest(self) -> str:
        """Key of what makes the read complete; until it is there, the read is none."""
        return layout.raw_manifest(self.api, self.tenant_id, self.window, self.read_id)


def wait(lake: Lake, read: Waiting) -> None:
    """Say that the read waits to be loaded; call before it becomes complete."""
    lake.store.put(read.key, msgspec.json.encode(read))


def loaded(lake: Lake, api: str, tenant_id: str, read_id: str) -> None:
    """The read waits no more; call once its record is in the ledger."""
    lake.store.delete(layout.waiting_read(api, tenant_id, read_id))


def waiting(
    lake: Lake, api: str | None = None, tenant_id: str | None = None
) -> list[tuple[Waiting, datetime]]:
    """Each read that waits, and since when by the store's clock; of one api and tenant, or all.

    A note that is not whole stops nobody: `verify` names its read, and how to load it.
    """
    found = []
    for stored in lake.store.list(layout.waiting_reads(api, tenant_id)):
        body = lake.store.get(stored.key)
        if body is not None and (read := _decoded(stored.key, body)) is not None:
            found.append((read, stored.modified))
    return found


def _decoded(key: str, body: bytes) -> Waiting | None:
    try:
        return msgspec.json.decode(body, type=Waiting)
    except (msgspec.MsgspecError, ValueError):
        log.warning("%s is not whole and says nothing", key)
        return None
