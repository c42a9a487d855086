"""Tables made again from raw, into their own place.

A partition is built beside the lake and published only over the very file that was there before raw
was listed: a load at the same time loses nothing, the partition is then built again.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq

from include.entra_logs.api import PARTITION, Window, later, partition_start, utc_text
from include.entra_logs.errors import Corrupt, Transient
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger import ledger, removals
from include.entra_logs.ledger.holdings import held
from include.entra_logs.ledger.removals import Recount
from include.entra_logs.merge.partition_file import PartitionFile
from include.entra_logs.merge.tables import key_columns, steps
from include.entra_logs.proof.aside import Aside
from include.entra_logs.proof.earlier import require_carried_over
from include.entra_logs.proof.inventory import DAY, Inventory, inventories, partitions
from include.entra_logs.schema import FIRST_SEEN_AT
from include.entra_logs.table import Table

log = logging.getLogger(__name__)

_TRIES = 5


@dataclass
class Rebuilt:
    """What a rebuild did."""

    partitions: int = 0
    """Files published."""
    spared: list[str] = field(default_factory=list)
    """A sentence for what was left as it is, since raw and ledger cannot make it whole."""

    def spare(self, text: str) -> None:
        """Note what was left."""
        log.warning("%s", text)
        self.spared.append(text)


def rebuild(
    lake: Lake, table: Table, tenant_id: str | None = None, partition: datetime | None = None
) -> Rebuilt:
    """Make one partition of the API's table from raw again, or all of a tenant or of the table.

    A readable file is left as it is where raw lacks a read that brought something to it. A broken
    file is replaced by what raw has. Raises Transient if loads kept replacing a partition.
    """
    require_carried_over(lake)
    result = Rebuilt()
    only = None if partition is None else {partition_start(partition)}
    for _ in range(_TRIES):
        tags = {place[:2]: lake.store.tag(place[2]) for place in partitions(lake, table.name)}
        beaten: set[datetime] = set()
        for tenant, inventory in inventories(lake, table.name).items():
            if tenant_id in (None, tenant):
                for day in _days(inventory, only):
                    if (unknown := inventory.unknown(day)) is not None:
                        result.spare(f"{table.name} {day} of tenant {tenant} stays: {unknown}")
                        continue
                    work = _Work(lake, table, tenant, inventory, tags, result)
                    beaten |= work.day(day, only)
        if not beaten:
            return result
        only = beaten
    raise Transient(f"Loads kept replacing {len(beaten)} partitions of {table.name}: try again.")


def _days(inventory: Inventory, only: set[datetime] | None) -> Iterator[Window]:
    for start in inventory.days():
        day = Window(start, later(start, DAY))
        if only is None or any(at in day for at in only):
            yield day


@dataclass(frozen=True)
class _Work:
    """One tenant's partitions of one table, as they were when the rebuild began."""

    lake: Lake
    table: Table
    tenant_id: str
    inventory: Inventory
    tags: dict[tuple[str, datetime], str | None]
    result: Rebuilt

    def day(self, span: Window, only: set[datetime] | None) -> set[datetime]:
        """Rebuild the day's partitions; the ones that a load replaced meanwhile."""
        wanted = set(span.partitions()) if only is None else only & set(span.partitions())
        with self.lake.store.scratch() as folder:
            aside = Aside(self.lake, self.table, self.tenant_id, folder)
            lacking = self._add_reads(aside, span, wanted)
            beaten = set()
            for start in sorted(wanted & (aside.partitions | self.inventory.partitions.keys())):
                if start not in aside.partitions:
                    self._spare(start, "raw has no event of it")
                elif start in lacking and self._is_whole(start, folder):
                    self._spare(start, f"raw lacks {lacking[start]}")
                elif self._publish(start, aside.build(start)):
                    self.result.partitions += 1
                else:
                    beaten.add(start)
        return beaten

    def _add_reads(self, aside: Aside, span: Window, wanted: set[datetime]) -> dict[datetime, str]:
        """Normalise what may touch the partitions; the ids of a read that each one lacks."""
        lacking: dict[datetime, str] = {}
        records = self.inventory.records(span)
        unrecorded = self.inventory.raw.keys() - set(self.inventory.ledger["read_id"].to_pylist())
        for read_id in sorted({*self.inventory.reads(span, records), *unrecorded}):
            read, record = self.inventory.raw.get(read_id), records.get(read_id)
            touched = {p.partition for p in record.partitions if p.brought} if record else wanted
            if record is None and not (read and read.has_manifest):
                continue  # what a crash left behind: no read
            if not wanted & touched:
                continue
            try:
                aside.add(read_id, read, wanted)
            except Corrupt as error:
                log.warning("%s", error)
                lacking |= dict.fromkeys(touched, read_id)
        return lacking

    def _is_whole(self, start: datetime, folder: Path) -> bool:
        """Whether the stored file can be read to its end."""
        key, stored = self.inventory.partitions.get(start), folder / "stored.parquet"
        if key is None or self.lake.store.fetch(key, stored) is None:
            return False
        try:
            for _ in PartitionFile(stored, key, "rebuild it", key_columns(self.table)).batches():
                pass
        except Corrupt:
            return False
        return True

    def _publish(self, start: datetime, built: Path) -> bool:
        key = layout.table_file(self.table.name, self.tenant_id, start)
        tag = self.tags.get((self.tenant_id, start))
        log.info("%s is made again from raw", key)
        if self.lake.store.tag(key) != tag:
            return False
        self._note_what_is_there(start, built)
        if tag is None:
            return self.lake.store.put_if_absent(key, built)
        return self.lake.store.replace_if_unchanged(key, built, tag)

    def _note_what_is_there(self, start: datetime, built: Path) -> None:
        """Tell the ledger, where the partition will hold other than its records say."""
        span = Window(start, later(start, PARTITION))
        records = list(ledger.records(self.lake, self.table.name, self.tenant_id, span))
        whose = (self.table.name, self.tenant_id)
        notes = [n for n in removals.lowered(self.lake, *whose) if n.concerns(*whose, start)]
        seen = steps(pq.read_table(built, columns=[FIRST_SEEN_AT])[FIRST_SEEN_AT])
        claimed = held(records, start, notes)
        if records and claimed != seen:
            until = max(each.loaded_at for each in records)
            removals.note_recount(self.lake, Recount(*whose, start, until, seen))

    def _spare(self, start: datetime, why: str) -> None:
        text = f"{self.table.name} {utc_text(start)} of tenant {self.tenant_id} stays: {why}."
        self.result.spare(text)
