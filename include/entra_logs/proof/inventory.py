"""What raw, tables and ledger hold of one API and tenant, listed once; nothing is opened here."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from include.entra_logs.api import PARTITION, Window, later
from include.entra_logs.errors import Corrupt
from include.entra_logs.lake import Lake, layout
from include.entra_logs.lake.waiting import waiting
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.record_table import from_table

DAY = timedelta(days=1)

_RAW = re.compile(
    r"(?P<stem>.*/tenant_id=(?P<tenant>[^/]+)/date=(?P<date>\d{4}-\d\d-\d\d)/hour=(?P<hour>\d\d)/"
    r"(?P<id>(?P<at>\d{8}T\d{6}Z)-[^/]+))"
    rf"(?P<suffix>{re.escape(layout.RAW_SUFFIX)}|{re.escape(layout.MANIFEST_SUFFIX)})",
    re.ASCII,
)


@dataclass(frozen=True)
class RawRead:
    """What raw keeps of a read, as its keys tell."""

    stem: str
    """Its keys without their suffixes."""
    tenant_id: str
    read_id: str
    read_at: datetime
    partition: datetime
    """Start of the partition that its window starts in."""
    has_manifest: bool
    has_pages: bool

    @property
    def manifest(self) -> str:
        """Key of what makes it complete."""
        return self.stem + layout.MANIFEST_SUFFIX

    @property
    def pages(self) -> str:
        """Key of its pages."""
        return self.stem + layout.RAW_SUFFIX


@dataclass(frozen=True)
class Inventory:
    """One API's listing of one tenant."""

    raw: dict[str, RawRead]
    """By id of the read."""
    partitions: dict[datetime, str]
    """Key of the partition's file by its start."""
    ledger: pa.Table
    broken: dict[str, Corrupt]
    """By month, `YYYY-MM`, of which the ledger is not wholly known: why."""
    waiting: dict[str, datetime] = field(default_factory=dict)
    """Ids of reads that a load is still to come for, and since when."""

    def days(self) -> list[datetime]:
        """The days, ascending, that something is known of."""
        touched = {read.partition for read in self.raw.values()} | self.partitions.keys()
        touched |= set(self.ledger["window_start"].to_pylist())
        counts = self.ledger["partitions"].combine_chunks().flatten()
        touched |= set(counts.field("partition").unique().to_pylist())
        found = {at.replace(hour=0, minute=0, second=0, microsecond=0) for at in touched}
        return sorted(found)

    def unknown(self, day: Window) -> Corrupt | None:
        """Why the ledger is not wholly known as to the day; None if it is."""
        return self.broken.get(layout.month(day.start))

    def records(self, span: Window) -> dict[str, LedgerRecord]:
        """What the newest load of each read that touches `span` recorded, by id of the read.

        A load from raw by a version that reads more stands for the load before.
        """
        rows = from_table(self.ledger.filter(ledger.asked(span=span)))
        return {r.read_id: r for r in sorted(rows, key=lambda r: r.loaded_at)}

    def told(self, partition: datetime) -> list[LedgerRecord]:
        """Every record that says something of a partition."""
        span = Window(partition, later(partition, PARTITION))
        return list(from_table(self.ledger.filter(ledger.asked(span=span))))

    def seen(self, span: Window) -> tuple[set[str], set[RawRead]]:
        """What changes when a load, or a removal, changes something of `span`."""
        rows = self.ledger.filter(ledger.asked(span=span))
        raw = {read for read in self.raw.values() if read.partition in span}
        return set(rows["record_id"].to_pylist()), raw

    def reads(self, span: Window, records: Iterable[str]) -> list[str]:
        """Ids of the reads that may have brought something to `span`, by `read_at`.

        Those whose window starts there, `records`, and all that wait: nobody knows yet what of.
        """
        found = {r.read_id for r in self.raw.values() if r.partition in span}
        return sorted(found | set(records) | (self.waiting.keys() & self.raw.keys()))


def inventories(lake: Lake, api: str) -> dict[str, Inventory]:
    """What is known of the API, by tenant.

    Raw is listed before what waits, and that before the ledger is read: a read is never in neither.
    """
    raw: dict[str, dict[str, RawRead]] = defaultdict(dict)
    for read in raw_reads(lake, api):
        raw[read.tenant_id][read.read_id] = read
    files: dict[str, dict[datetime, str]] = defaultdict(dict)
    for tenant_id, start, key in partitions(lake, api):
        files[tenant_id][start] = key
    waits: dict[str, dict[str, datetime]] = defaultdict(dict)
    for waits_for, since in waiting(lake, api):
        waits[waits_for.tenant_id][waits_for.read_id] = since
    recorded, broken = ledger.readable(lake, api)
    tenants = {*raw, *files, *recorded["tenant_id"].unique().to_pylist()}
    tenants |= {layout.tenant_of(shelf.tenant) for shelf in broken}
    return {
        tenant_id: Inventory(
            raw[tenant_id],
            files[tenant_id],
            recorded.filter(pa.compute.field("tenant_id") == tenant_id),
            {s.month: e for s, e in broken.items() if s.tenant == layout.tenant_folder(tenant_id)},
            waits[tenant_id],
        )
        for tenant_id in sorted(tenants)
    }


def raw_reads(lake: Lake, api: str) -> Iterator[RawRead]:
    """What raw keeps of the API: complete reads, and what is left of others."""
    found: dict[str, set[str]] = defaultdict(set)
    for stored in lake.store.list(layout.raw_prefix(api)):
        if part := _RAW.fullmatch(stored.key):
            found[part["stem"]].add(part["suffix"])
    for stem, suffixes in found.items():
        part = _RAW.fullmatch(stem + layout.RAW_SUFFIX)
        assert part is not None
        partition, read_at = layout.two_hours(part["date"], part["hour"]), _moment(part["at"])
        if partition is None or read_at is None:
            continue  # not ours
        yield RawRead(
            stem=stem,
            tenant_id=part["tenant"],
            read_id=part["id"],
            read_at=read_at,
            partition=partition,
            has_manifest=layout.MANIFEST_SUFFIX in suffixes,
            has_pages=layout.RAW_SUFFIX in suffixes,
        )


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def partitions(lake: Lake, api: str) -> Iterator[tuple[str, datetime, str]]:
    """Tenant, start and key of each partition of the API's table."""
    for found in lake.store.list(layout.table_prefix(api)):
        if place := layout.table_partition(found.key):
            yield place[1], place[2].start, found.key
