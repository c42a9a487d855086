"""The ledger made again from raw: for reads that it lacks, or for all after it was lost."""

import logging
from collections.abc import Iterator

from include.entra_logs import loading
from include.entra_logs.lake import Lake, layout, raw
from include.entra_logs.lake.raw import ReadManifest
from include.entra_logs.ledger import mending
from include.entra_logs.proof.inventory import inventories
from include.entra_logs.table import Table

log = logging.getLogger(__name__)


def rebuild_ledger(lake: Lake, table: Table) -> int:
    """How many complete reads of the API had no record and have one now.

    Each is loaded again, in the order in which Graph was asked. What it added and changed is
    counted in the tables, so the record is the one that was lost; a read whose load never came to
    its end is loaded now. What cannot be read in the ledger is put aside first.
    """
    for key in mending.set_aside(lake, table.name):
        log.warning("%s could not be read: it is %s now", key, layout.ledger_broken(key))
    recorded = 0
    for manifest in _unrecorded(lake, table):
        log.info("%s has no record: it is loaded again", manifest.read_id)
        loading.load_read(lake, manifest.run_id, manifest, table, replay=False)
        recorded += 1
    return recorded


def _unrecorded(lake: Lake, table: Table) -> Iterator[ReadManifest]:
    """The complete reads in raw that the ledger does not know, ascending by `read_at`."""
    for inventory in inventories(lake, table.name).values():
        known = set(inventory.ledger["read_id"].to_pylist())
        for read_id in sorted(inventory.raw.keys() - known):
            read = inventory.raw[read_id]
            if read.has_manifest:
                yield raw.manifest(lake, read.manifest)
