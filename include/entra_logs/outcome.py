"""What a run of `load` did, in counts: for its log line, for XCom, metrics and asset events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.entra_logs.api import PARTITION, Schedule, Window
from include.entra_logs.ledger.record import LedgerRecord

LEFT_OUT = ("outside", "duplicates", "conflicts", "rejects")
"""Counts of a record: events of an answer that it brought to no table."""


@dataclass(frozen=True)
class LoadedRead:
    """A read that was loaded, as the ledger records it."""

    record: LedgerRecord
    read_before: frozenset[datetime]
    """Starts of those of its intervals that an earlier read had brought whole."""
    timely_before: frozenset[datetime] = frozenset()
    """Those of them that were read in time: what is added to them now came late."""

    @property
    def late(self) -> int:
        """Events that it added to intervals which an earlier read had brought in time."""
        found = self.record.partitions
        return sum(c.added for c in found if c.partition in self.timely_before)

    @property
    def first_whole(self) -> set[datetime]:
        """Starts of the intervals that it covers from end to end, as the first one to do so."""
        window = self.record.window
        starts = {s for s in window.partitions() if window.start <= s <= window.end - PARTITION}
        return starts - self.read_before

    @property
    def altered(self) -> set[datetime]:
        """Starts of the partitions in which it added or changed an event."""
        return {c.partition for c in self.record.partitions if c.added + c.changed}


@dataclass(frozen=True)
class Loaded:
    """The reads that one run has loaded; none if a sweep had no need. Counts are sums over them."""

    schedule: Schedule
    window: Window
    reads: tuple[LoadedRead, ...]
    replay: bool
    """Whether the reads were made by earlier runs, and came from raw."""
    seconds: float
    """How long the load took."""

    def __str__(self) -> str:
        """One line: what was loaded, and what that did to the table."""
        head = f"{self.schedule.dag_id} {self.window} {self._said_kind}"
        if not self.reads:
            return f"{head}: nothing to do"
        pages = sum(read.record.pages for read in self.reads)
        return (
            f"{head}: {_some(self.events, 'event')} from {_some(pages, 'page')}; "
            f"{self.added:,} added ({self.late:,} late), {self.changed:,} changed, "
            f"{self.unchanged:,} as they were{self._left_out}, {self.lacked:,} lacked; "
            f"{_some(len(self.altered), 'partition')} of {self.schedule.api.name} altered "
            f"in {self.seconds:.1f} s"
        )

    @property
    def _left_out(self) -> str:
        """The events that are in no table, by why, so that the counts add up to `events`."""
        counts = {name: self._sum(name) for name in LEFT_OUT}
        return "".join(f", {count:,} {name}" for name, count in counts.items() if count)

    @property
    def kind(self) -> str:
        """`main`, `sweep_<name>`, `updates` or `replay`."""
        return "replay" if self.replay else self.schedule.kind

    @property
    def _said_kind(self) -> str:
        if self.replay:
            return f"replay of {_some(len(self.reads), 'read')}"
        return self.kind.replace("_", " ")

    @property
    def tenant_ids(self) -> list[str]:
        """Whose events they are: several only in a replay, of a lake with several tenants."""
        return sorted({read.record.tenant_id for read in self.reads})

    @property
    def events(self) -> int:
        """Events as Graph sent them."""
        return self._sum("events")

    @property
    def rows(self) -> int:
        """Events of the window that the reads brought, each once for each read."""
        return self._sum("distinct")

    @property
    def added(self) -> int:
        """Events that no read had brought before."""
        return self._sum("added")

    @property
    def changed(self) -> int:
        """Events of which a newer version came."""
        return self._sum("changed")

    @property
    def unchanged(self) -> int:
        """Events that the table held as they came."""
        return self._sum("unchanged")

    @property
    def lacked(self) -> int:
        """Events that an earlier read had brought and these did not."""
        return self._sum("lacked")

    @property
    def late(self) -> int:
        """Added events of intervals that an earlier read had brought in time."""
        return sum(read.late for read in self.reads)

    @property
    def first_whole(self) -> set[datetime]:
        """Starts of the intervals that are in the table now, and were not before.

        None by a replay, whose reads were loaded before, nor by a read of changes, which says
        nothing about an interval being whole.
        """
        if self.replay or self.schedule.filter_by != self.schedule.api.table.event_time:
            return set()
        return {start for read in self.reads for start in read.first_whole}

    @property
    def altered(self) -> set[datetime]:
        """Starts of the partitions in which an event was added or changed."""
        return {start for read in self.reads for start in read.altered}

    def handover(self) -> dict[str, Any]:
        """The counts, fit for XCom."""
        names = ("kind", "events", "added", "late", "changed", "unchanged", "lacked")
        counts = {name: getattr(self, name) for name in names}
        return {"reads": len(self.reads)} | counts | {name: self._sum(name) for name in LEFT_OUT}

    def _sum(self, count: str) -> int:
        return sum(getattr(read.record, count) for read in self.reads)


def _some(number: int, noun: str) -> str:
    """`1 page`, `5,123 pages`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
