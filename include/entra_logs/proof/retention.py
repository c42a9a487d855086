"""What is removed for its age: partitions of tables, and raw answers that tables no longer need.

The ledger is told before the first object goes, so that neither `verify` nor the states take what
was removed for lost. Records of the ledger stay for ever.
"""

from collections import defaultdict
from datetime import datetime, timedelta

from include.entra_logs.api import Window, partition_start
from include.entra_logs.catalogue import TABLES
from include.entra_logs.lake import Lake
from include.entra_logs.ledger import ledger, removals
from include.entra_logs.ledger.record_table import from_table
from include.entra_logs.ledger.removals import Removal
from include.entra_logs.proof.inventory import RawRead, partitions, raw_reads


def remove_old_tables(lake: Lake, keep: timedelta, now: datetime) -> int:
    """How many partitions were removed because they ended more than `keep` before `now`."""
    before = partition_start(now - keep)
    removed = 0
    for api in TABLES:
        gone: dict[str, dict[datetime, str]] = defaultdict(dict)
        for tenant_id, start, key in partitions(lake, api):
            if start < before:
                gone[tenant_id][start] = key
        for tenant_id, keys in gone.items():
            told = ledger.records(lake, api, tenant_id, Window(min(keys), before))
            earlier = removals.lowered(lake, api, tenant_id)
            loads = [record.loaded_at for record in told]
            loads += [note.loaded_until for note in earlier if note.end <= before and not note.seen]
            until = max(loads, default=None)
            removals.note_removal(lake, Removal("tables", api, tenant_id, before, now, until))
            lake.store.delete(keys.values())
            removed += len(keys)
    return removed


def remove_old_raw(lake: Lake, keep: timedelta, now: datetime) -> int:
    """How many raw answers were removed: asked more than `keep` before `now`, and not needed.

    Tables need an answer until its read is recorded as loaded, and while a partition that it
    brought events to is not there: then raw is all that is left of them.
    """
    before = now - keep
    removed = 0
    for api in TABLES:
        old = [read for read in raw_reads(lake, api) if read.read_at < before]
        free = _unneeded(lake, api) if old else set()
        gone: dict[str, list[RawRead]] = defaultdict(list)
        for read in old:
            if read.read_id in free:
                gone[read.tenant_id].append(read)
        for tenant_id, reads in gone.items():
            removals.note_removal(lake, Removal("raw", api, tenant_id, before, now))
            for read in reads:
                lake.store.delete([read.manifest, read.pages])
            removed += len(reads)
    return removed


def _unneeded(lake: Lake, api: str) -> set[str]:
    """Ids of the reads that are loaded, and whose partitions are there or were removed for age.

    What the ledger cannot read is not among them, so its raw stays.
    """
    there = {(tenant_id, start) for tenant_id, start, _ in partitions(lake, api)}
    removed: dict[str, datetime | None] = {}
    free = set()
    for record in from_table(ledger.readable(lake, api).table):
        tenant_id = record.tenant_id
        if tenant_id not in removed:
            removed[tenant_id] = removals.removed_before(lake, "tables", api, tenant_id)
        before = removed[tenant_id]
        if all(
            (tenant_id, counts.partition) in there
            or (before is not None and counts.partition < before)
            for counts in record.partitions
            if counts.brought
        ):
            free.add(record.read_id)
    return free
