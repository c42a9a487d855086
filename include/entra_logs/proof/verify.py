"""Proof: what the ledger claims, computed again from raw, and the tables, made again from raw.

For each read: its raw answer is there, whole and unchanged, and normalised again it gives the
counts and the checksum of the record. For each partition: merging its reads again, in the order in
which Graph was asked, gives the file that is stored: the same events, the same versions, first seen
and changed at the same times. What upkeep removed for its age is no difference.

One day of one table and tenant at a time lies on this machine's disk; memory does not grow with it.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from include.entra_logs.api import PARTITION, Window, dag_id, later
from include.entra_logs.catalogue import TABLES
from include.entra_logs.errors import Corrupt
from include.entra_logs.lake import Lake
from include.entra_logs.ledger import removals
from include.entra_logs.ledger.holdings import Steps, held
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.merge.partition_file import PartitionFile
from include.entra_logs.merge.tables import key_columns, rebuild_command, steps
from include.entra_logs.normalise import Normalised
from include.entra_logs.proof.aside import Aside
from include.entra_logs.proof.differences import differences
from include.entra_logs.proof.earlier import require_carried_over
from include.entra_logs.proof.inventory import DAY, Inventory, RawRead, inventories
from include.entra_logs.schema import FIRST_SEEN_AT
from include.entra_logs.table import Table
from include.entra_logs.watch.remedy import backfill

log = logging.getLogger(__name__)

FORGOTTEN = timedelta(days=1)
"""A read that has waited so long for its load is not waited for any more."""


@dataclass(frozen=True)
class Difference:
    """One window in which raw, tables and ledger do not say the same."""

    table: str
    tenant_id: str
    window: Window
    what: str

    def __str__(self) -> str:
        return f"{self.table} {self.window} of tenant {self.tenant_id}: {self.what}"


@dataclass
class Report:
    """What was proved, and every difference that was found."""

    differences: list[Difference] = field(default_factory=list)
    reads: int = 0
    partitions: int = 0

    @property
    def ok(self) -> bool:
        """True if raw, tables and ledger say the same."""
        return not self.differences

    @property
    def lines(self) -> list[str]:
        """One for each difference, then one that sums up."""
        found = len(self.differences)
        end = f"{found} differences" if found else "raw, tables and ledger say the same"
        summary = f"{self.reads} reads and {self.partitions} partitions: {end}."
        return [*map(str, self.differences), summary]


def verify(lake: Lake, table: str | None = None, span: Window | None = None) -> Report:
    """The proof for one table or all, and for the days that `span` touches or all of history."""
    names = list(TABLES) if table is None else [table]
    if span is None:
        return prove(lake, names, lambda _: True)
    return prove(lake, names, lambda day: day.start < span.end and day.end > span.start)


def prove(lake: Lake, names: Iterable[str], wanted: Callable[[Window], bool]) -> Report:
    """The proof of the days (from midnight to midnight UTC) that are `wanted`.

    A day that a load changed meanwhile is proved again. Raises Refused for a ledger of an earlier
    form.
    """
    require_carried_over(lake)
    report = Report()
    for name in names:
        for tenant_id, inventory in inventories(lake, name).items():
            proof = _Proof(lake, TABLES[name], tenant_id, inventory, report)
            report.differences += _unknown(name, tenant_id, inventory)
            days = [Window(start, later(start, DAY)) for start in inventory.days()]
            days = [day for day in days if not inventory.unknown(day)]
            found = {day: proof.day(day) for day in days if wanted(day)}
            odd = [day for day, differing in found.items() if differing]
            fresh = inventories(lake, name)[tenant_id] if odd else inventory
            again = _Proof(lake, TABLES[name], tenant_id, fresh, Report())
            for day in odd:
                if fresh.seen(day) != inventory.seen(day):
                    found[day] = again.day(day)
                report.differences += found[day]
                for difference in found[day]:
                    log.warning("%s", difference)
    return report


def _unknown(table: str, tenant_id: str, inventory: Inventory) -> list[Difference]:
    """One for each object of the ledger that cannot be read, with the first month that lacks it."""
    found: dict[str, str] = {}
    for month, error in sorted(inventory.broken.items()):
        found.setdefault(str(error), month)
    starts = (
        (what, datetime.fromisoformat(f"{m}-01").replace(tzinfo=UTC)) for what, m in found.items()
    )
    return [Difference(table, tenant_id, Window(at, later(at, DAY)), what) for what, at in starts]


@dataclass
class _Day:
    """What proving a day has found out so far."""

    span: Window
    aside: Aside
    gone: set[datetime] = field(default_factory=set)
    """`read_at` of reads that raw cannot show: what they brought is not judged."""
    pending: set[datetime] = field(default_factory=set)
    """Partitions of reads that wait to be loaded, or are being loaded."""
    unrecorded: set[datetime] = field(default_factory=set)
    """Partitions of reads whose record is lost: named as such, so the counts are not judged."""
    found: list[Difference] = field(default_factory=list)


class _Proof:
    """Proves the days of one table and tenant."""

    def __init__(
        self, lake: Lake, table: Table, tenant_id: str, inventory: Inventory, report: Report
    ) -> None:
        self._lake = lake
        self._table = table
        self._tenant_id = tenant_id
        self._inventory = inventory
        self._report = report
        self._raw_removed = removals.removed_before(lake, "raw", table.name, tenant_id)
        self._tables_removed = removals.removed_before(lake, "tables", table.name, tenant_id)
        self._lowered = removals.lowered(lake, table.name, tenant_id)

    def day(self, span: Window) -> list[Difference]:
        """The differences of the reads whose window starts in `span`, and of its partitions."""
        with self._lake.store.scratch() as folder:
            day = _Day(span, Aside(self._lake, self._table, self._tenant_id, folder))
            records = self._inventory.records(span)
            for read_id in self._inventory.reads(span, records):
                self._read(day, self._inventory.raw.get(read_id), records.get(read_id))
            known = self._inventory.partitions.keys() | {
                counts.partition for r in records.values() for counts in r.partitions if counts.seen
            }
            stored = {start for start in known if start in span}
            for start in sorted(stored | day.aside.partitions):
                self._partition(day, start, folder)
        return day.found

    def _read(self, day: _Day, read: RawRead | None, record: LedgerRecord | None) -> None:
        """Prove one read, and keep what it brought for the partitions."""
        if record is None and (read is None or not read.has_manifest):
            return  # what a crash left behind: no read
        read_id = record.read_id if record else _known(read).read_id
        try:
            manifest, found = day.aside.add(read_id, read, set(day.span.partitions()))
        except Corrupt as error:
            self._without_raw(day, read, record, str(error))
            return
        window = manifest.window
        waits = record is None and self._waits(read_id)
        if record is None:
            (day.pending if waits else day.unrecorded).update(found.partitions)
        if window.start in day.span and not waits:
            self._report.reads += 1
            for fault in read_faults(found, record, self._table.name):
                self._differs(day, window, f"read {manifest.read_id}: {fault}")

    def _waits(self, read_id: str) -> bool:
        """Whether a load of the read may still come: a run is at it, or waits for its turn."""
        since = self._inventory.waiting.get(read_id)
        return since is not None and since > datetime.now(UTC) - FORGOTTEN

    def _without_raw(
        self, day: _Day, read: RawRead | None, record: LedgerRecord | None, why: str
    ) -> None:
        """Note a read that raw cannot show; it is no difference if upkeep removed it."""
        read_at = record.read_at if record else _known(read).read_at
        window = record.window if record else _window(_known(read))
        day.gone.add(read_at)
        removed = self._raw_removed is not None and read_at < self._raw_removed
        if window.start in day.span and not removed:
            self._differs(day, window, why)

    def _partition(self, day: _Day, start: datetime, folder: Path) -> None:
        """Prove one partition's file."""
        if self._tables_removed is not None and start < self._tables_removed:
            return
        window = Window(start, later(start, PARTITION))
        stored = folder / "stored.parquet"
        key = self._inventory.partitions.get(start)
        notes = [n for n in self._lowered if n.concerns(self._table.name, self._tenant_id, start)]
        claimed = held(self._inventory.told(start), start, notes)
        if key is None or self._lake.store.fetch(key, stored) is None:
            if start not in day.pending and (claimed or start in day.aside.partitions):
                what = "the partition has no file, and there are events of it"
                self._differs(day, window, f"{what}: {self._mend(start)}")
            return
        self._report.partitions += 1
        keys, mend = key_columns(self._table), self._mend(start)
        rebuilt = PartitionFile(
            day.aside.build(start), "the partition made from raw", "try again", keys
        )
        gone = np.array(sorted(map(_microseconds, day.gone)), np.int64)
        try:
            found = differences(PartitionFile(stored, key, mend, keys), rebuilt, keys, gone)
        except Corrupt as error:
            self._differs(day, window, f"{error} Raw has {rebuilt.rows} events of it.")
            return
        unsure = start in day.pending | day.unrecorded
        for what in found.told(pending=unsure):
            self._differs(day, window, f"{what}: {mend}")
        if not unsure:
            self._compare_counts(day, window, claimed, stored)

    def _compare_counts(self, day: _Day, window: Window, claimed: Steps, stored: Path) -> None:
        """What the ledger says that the partition holds, against what its file holds."""
        holds = steps(pq.read_table(stored, columns=[FIRST_SEEN_AT])[FIRST_SEEN_AT])
        if claimed != holds:
            said, rows = (each[-1].rows if each else 0 for each in (claimed, holds))
            other = "" if said != rows else ", first seen at other times"
            self._differs(
                day,
                window,
                f"the ledger says {said} events, the table has {rows}{other}: "
                f"{self._mend(window.start)}",
            )

    def _mend(self, start: datetime) -> str:
        return rebuild_command(self._table, self._tenant_id, start)

    def _differs(self, day: _Day, window: Window, what: str) -> None:
        day.found.append(Difference(self._table.name, self._tenant_id, window, what))


def read_faults(found: Normalised, record: LedgerRecord | None, table: str) -> list[str]:
    """What the record claims of a read and normalising its raw answer again does not give."""
    if record is None:
        command = f"`python -m include.entra_logs rebuild-ledger --table {table}`"
        return [f"it is in raw, but not in the ledger, and no run is at it: load it by {command}"]
    faults = []
    for name in ("events", "distinct", "rejects", "outside", "first_event", "last_event"):
        claimed, counted = getattr(record, name), getattr(found, name)
        if claimed != counted:
            faults.append(f"the ledger says {name} {claimed}, raw says {counted}")
    if record.id_checksum != found.id_checksum:
        faults.append("the ledger's checksum of the ids is not that of raw")
    claimed_partitions = {p.partition: p.brought for p in record.partitions if p.brought}
    if claimed_partitions != found.partitions:
        faults.append("the ledger's counts by partition are not those of raw")
    again = backfill(dag_id(table, record.read_kind), record.window, "raw")
    return [f"{fault}: load it again by `{again}`" for fault in faults]


def _known(read: RawRead | None) -> RawRead:
    assert read is not None
    return read


def _window(read: RawRead) -> Window:
    """The window of a read whose manifest cannot be read, as far as its keys tell."""
    return Window(read.partition, later(read.partition, PARTITION))


def _microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
