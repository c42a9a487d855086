"""The ledger made again from raw: for reads that it lacks, or for all after it was lost."""

import logging
from collections.abc import Iterator

from include.entra_logs import loading
from include.entra_logs.api import Api
from include.entra_logs.lake import Lake, raw
from include.entra_logs.lake.history import histories
from include.entra_logs.lake.raw import ReadManifest

log = logging.getLogger(__name__)


def rebuild_ledger(lake: Lake, api: Api) -> int:
    """How many complete reads of the API had no record and have one now.

    Each is loaded again, in the order in which Graph was asked. What it added and changed is
    counted in the tables, so the record is the one that was lost; a read whose load never came to
    its end is loaded now. A record that cannot be read is to be deleted first.
    """
    recorded = 0
    for manifest in _unrecorded(lake, api):
        log.info("%s has no record: it is loaded again", manifest.read_id)
        loading.load_read(lake, manifest.run_id, manifest, api, replay=False)
        recorded += 1
    return recorded


def _unrecorded(lake: Lake, api: Api) -> Iterator[ReadManifest]:
    """The complete reads in raw that the ledger does not know, ascending by `read_at`."""
    for history in histories(lake, api.name).values():
        known = set(history.ledger["read_id"].to_pylist())
        for read_id in sorted(history.raw.keys() - known):
            read = history.raw[read_id]
            if read.has_manifest:
                yield raw.manifest(lake, read.manifest)
