"""From a complete read in raw to the tables and the ledger: stage, merge, count, record.

The two halves run in two tasks, `normalise` and `load`. What passes between them lies in staging,
by run and read: one Parquet file per partition touched, and `counts.json`, written last.
"""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from include.entra_logs.api import PARTITION, Window
from include.entra_logs.errors import Transient
from include.entra_logs.lake import Lake, layout, raw, waiting
from include.entra_logs.lake.raw import ReadManifest
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import LedgerRecord, PartitionCounts, record_id
from include.entra_logs.merge import tables
from include.entra_logs.merge.tables import count_load
from include.entra_logs.normalise import Normalised, normalise
from include.entra_logs.schema import column_name
from include.entra_logs.table import Table

log = logging.getLogger(__name__)

COUNTS = "counts.json"


def stage(lake: Lake, run_id: str, manifest: ReadManifest, table: Table) -> Normalised:
    """Normalise a read into staging: one sorted file per partition, then the counts.

    What is returned names no files: they lie in staging.
    """
    folder = _folder(table, manifest, run_id)
    with lake.store.scratch() as scratch:
        found = _normalise(lake, manifest, table, scratch)
        for partition, path in found.files.items():
            lake.store.put(layout.normalised_file(folder, partition), path)
        staged = replace(found, files={})
        lake.store.put(f"{folder}/{COUNTS}", msgspec.json.encode(staged))
    return staged


def load_read(
    lake: Lake, run_id: str, manifest: ReadManifest, table: Table, *, replay: bool
) -> LedgerRecord:
    """Merge a staged read into the tables, then record it in the ledger; its record.

    A read whose staging is gone (a load done again after its success) is staged anew from raw.
    """
    folder = _folder(table, manifest, run_id)
    body = lake.store.get(f"{folder}/{COUNTS}")
    staged = (
        stage(lake, run_id, manifest, table)
        if body is None
        else msgspec.json.decode(body, type=Normalised)
    )
    altered = _merge_staged(lake, folder, manifest, table, staged)
    _merge_later_reads(lake, manifest, table, altered)
    counted = [
        _count(lake, manifest, table, partition, brought)
        for partition, brought in _touched(manifest, table, staged).items()
    ]
    record = _record(manifest, run_id, staged, counted, replay=replay)
    ledger.append(lake, record)
    waiting.loaded(lake, record.api, record.tenant_id, record.read_id)
    ledger.roll_up_many(lake, record.api, record.tenant_id)
    lake.store.delete_prefix(folder)
    return record


def _folder(table: Table, manifest: ReadManifest, run_id: str) -> str:
    """The folder in staging where a run keeps what it made of a read."""
    prefix = layout.normalised_prefix(table.name, manifest.tenant_id, run_id)
    return f"{prefix}/{manifest.read_id}"


def _normalise(lake: Lake, manifest: ReadManifest, table: Table, folder: Path) -> Normalised:
    pages = raw.pages(lake, manifest)
    window, read_at = manifest.window, manifest.read_at
    return normalise(table, manifest.filter_by, window, pages, read_at, folder)


def _merge_staged(
    lake: Lake, folder: str, manifest: ReadManifest, table: Table, staged: Normalised
) -> set[datetime]:
    """Merge each staged file into its partition; the partitions that the read has altered."""
    altered = set()
    with lake.store.scratch() as scratch:
        incoming = scratch / "incoming.parquet"
        for partition in staged.partitions:
            if lake.store.fetch(layout.normalised_file(folder, partition), incoming) is None:
                raise Transient(
                    f"{folder} was removed while it was loaded: clear the task normalise as well."
                )
            if _merge(lake, manifest, table, partition, incoming):
                altered.add(partition)
    return altered


def _merge(
    lake: Lake, manifest: ReadManifest, table: Table, partition: datetime, incoming: Path
) -> bool:
    """Whether the read, merged into the partition, has altered it, now or in a try before."""
    counts = tables.merge(lake, table, manifest.tenant_id, partition, incoming, manifest.read_at)
    return counts.added + counts.changed > 0


def _merge_later_reads(
    lake: Lake, manifest: ReadManifest, table: Table, altered: set[datetime]
) -> None:
    """Where a read altered partitions that later reads were loaded into, merge those again.

    So the tables do not depend on the order of loads, even for an event that changed and changed
    back: see `docs/adr/0004-order-independent-merge.md`.
    """
    for later in _later_reads(lake, manifest, table, altered):
        log.info("%s was asked later and is merged again", later.read_id)
        with lake.store.scratch() as scratch:
            for partition, path in _normalise(lake, later, table, scratch).files.items():
                if partition in altered:
                    _merge(lake, later, table, partition, path)


def _later_reads(
    lake: Lake, manifest: ReadManifest, table: Table, partitions: set[datetime]
) -> list[ReadManifest]:
    """Complete reads asked after this one that touch `partitions`, ascending by `read_at`.

    Reads of the same second are told apart by their ids. The ledger knows those that were loaded,
    and what waits those that are being loaded right now: listed first, so none is in neither.
    """
    if not partitions:
        return []
    tenant_id = manifest.tenant_id
    own = (manifest.read_at, manifest.read_id)
    span = Window(min(partitions), max(partitions) + PARTITION)
    later: dict[str, Window] = {
        read.read_id: read.window
        for read, _ in waiting.waiting(lake, table.name, tenant_id)
        if (read.read_at, read.read_id) > own
    }
    later |= {
        record.read_id: record.window
        for record in ledger.records(lake, table.name, tenant_id, span)
        if (record.read_at, record.read_id) > own and not partitions.isdisjoint(record.touched())
    }
    found = []
    for read_id, window in later.items():
        key = layout.raw_manifest(table.name, tenant_id, window, read_id)
        if lake.store.tag(key) is None:
            log.warning("%s is not in raw and can't be merged again", read_id)
        elif _may_touch(other := raw.manifest(lake, key), table, partitions):
            found.append(other)
    return sorted(found, key=lambda other: (other.read_at, other.read_id))


def _may_touch(read: ReadManifest, table: Table, partitions: set[datetime]) -> bool:
    """Whether the read can have events of `partitions`: any, unless it asked by event time."""
    if read.filter_by != table.event_time:
        return True
    return not partitions.isdisjoint(read.window.partitions())


def _touched(manifest: ReadManifest, table: Table, staged: Normalised) -> dict[datetime, int]:
    """How many events the read has of each partition that it says something about."""
    if manifest.filter_by == table.event_time and not manifest.past_retention:
        return dict.fromkeys(manifest.window.partitions(), 0) | staged.partitions
    return staged.partitions


def _count(
    lake: Lake, manifest: ReadManifest, table: Table, partition: datetime, brought: int
) -> PartitionCounts:
    """What the load did to a partition, as the published table shows it."""
    key = layout.table_file(table.name, manifest.tenant_id, partition)
    if not brought and lake.store.tag(key) is None:
        return PartitionCounts(partition)
    whole = manifest.filter_by == table.event_time and not manifest.past_retention
    return count_load(
        lake,
        key,
        partition=partition,
        event_time=column_name(table.event_time),
        read_at=manifest.read_at,
        brought=brought,
        window=manifest.window if whole else None,
    )


def _record(
    manifest: ReadManifest,
    run_id: str,
    staged: Normalised,
    counted: list[PartitionCounts],
    *,
    replay: bool,
) -> LedgerRecord:
    kind = "replay" if replay else manifest.kind
    summary = manifest.summary
    return LedgerRecord(
        record_id=record_id(manifest.read_id, kind, run_id),
        read_id=manifest.read_id,
        api=manifest.api,
        tenant_id=manifest.tenant_id,
        window_start=manifest.window.start,
        window_end=manifest.window.end,
        kind=kind,
        read_kind=manifest.kind,
        filter_by=manifest.filter_by,
        run_id=run_id,
        read_at=manifest.read_at,
        skew=summary.skew,
        loaded_at=datetime.now(UTC),
        settle=manifest.settle,
        past_retention=manifest.past_retention,
        requests=summary.requests,
        pages=summary.pages,
        bytes=summary.bytes,
        throttled=summary.throttled,
        waited=summary.waited,
        events=summary.events,
        distinct=staged.distinct,
        duplicates=staged.duplicates,
        conflicts=staged.conflicts,
        rejects=staged.rejects,
        outside=staged.outside,
        retimed=staged.retimed,
        first_event=staged.first_event,
        last_event=staged.last_event,
        id_checksum=staged.id_checksum,
        partitions=tuple(each for each in counted if each != PartitionCounts(each.partition)),
        surprises=staged.surprises,
    )
