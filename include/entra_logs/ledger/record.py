"""What the ledger keeps of one load of one read: counts, never events.

Values are structs of msgspec: the ledger makes ten thousands of them from JSON and Parquet.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2s

from msgspec import Struct, json

from include.entra_logs.api import PARTITION, Window, later


class FirstSeen(Struct, frozen=True):
    """A step of what a partition's published file holds, by when its rows were first seen."""

    at: datetime
    """`_first_seen_at` of some rows: the `read_at` of the read that first brought them."""
    rows: int
    """How many rows of the file were first seen by then: cumulative."""


class PartitionCounts(Struct, frozen=True):
    """What one read brought to one partition, counted in the published table."""

    partition: datetime
    """Start of the partition, an even hour."""
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    lacked: int = 0
    """Events in the read's window that an earlier read had brought and this one did not."""
    block: int = 0
    """Longest row of added events, in order of time, that ends below an event known before.

    Late events lie scattered; what a short answer left out lies together at its older end.
    """
    seen: tuple[FirstSeen, ...] = ()
    """What the file held once the load had published, ascending by `at`.

    Loads only add rows, and only lower when a row was first seen. So whatever the order of loads,
    the largest step at each moment over all records is what the file holds now.
    """

    @property
    def brought(self) -> int:
        """Events of this partition in the read."""
        return self.added + self.changed + self.unchanged


class LedgerRecord(Struct, frozen=True, kw_only=True):
    """One load of one complete read: immutable, counts only. Times are aware UTC."""

    record_id: str
    """Unique in the ledger: the `read_id`, for a replay with the run that replayed it."""
    read_id: str
    api: str
    tenant_id: str
    window_start: datetime
    window_end: datetime
    kind: str
    """`main`, `sweep_<name>`, `updates`, or `replay`: a load of a read that raw had kept."""
    read_kind: str
    """`kind`, or the kind of the read that is replayed."""
    filter_by: str
    run_id: str
    read_at: datetime
    """When Graph was asked: by its own clock, where that is near the worker's."""
    skew: float = 0
    """Seconds by which Graph's clock was ahead of the worker's."""
    loaded_at: datetime
    """When the load was done, by the worker's clock."""
    settle: float = 0
    """Delay of the schedule after the window's end, seconds."""
    past_retention: bool = False
    requests: int = 0
    pages: int = 0
    bytes: int = 0
    throttled: int = 0
    waited: float = 0
    """Seconds spent waiting for Graph's budget."""
    events: int = 0
    """Rows as Graph sent them; `distinct + duplicates + conflicts + rejects + outside` of it."""
    distinct: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejects: int = 0
    outside: int = 0
    retimed: int = 0
    """Ids that came with two event times: two events each."""
    first_event: datetime | None = None
    last_event: datetime | None = None
    id_checksum: str = "0" * 32
    """See `normalise.counts`."""
    partitions: tuple[PartitionCounts, ...] = ()
    surprises: Mapping[str, int] = {}
    """Events by the name of the property that has no column or did not fit it."""

    @property
    def window(self) -> Window:
        """What was read."""
        return Window(self.window_start, self.window_end)

    @property
    def added(self) -> int:
        """Events that no read had brought before."""
        return sum(p.added for p in self.partitions)

    @property
    def changed(self) -> int:
        """Events of which this read brought a newer version."""
        return sum(p.changed for p in self.partitions)

    @property
    def unchanged(self) -> int:
        """Events that the table held as they came."""
        return sum(p.unchanged for p in self.partitions)

    @property
    def lacked(self) -> int:
        """Events in the window that an earlier read had brought and this one did not."""
        return sum(p.lacked for p in self.partitions)

    def touched(self) -> set[datetime]:
        """Starts of the partitions that the window covers, and of those that events came to."""
        return {*self.window.partitions(), *(p.partition for p in self.partitions)}

    @property
    def touched_start(self) -> datetime:
        """The earliest time that the record says something about."""
        return min([self.window_start, *(p.partition for p in self.partitions)])

    @property
    def touched_end(self) -> datetime:
        """The end of what the record says something about."""
        return max([self.window_end, *(later(p.partition, PARTITION) for p in self.partitions)])

    def covers(self, interval: Window) -> bool:
        """Whether its window holds the whole interval."""
        return self.window_start <= interval.start and self.window_end >= interval.end

    def at(self, partition: datetime) -> PartitionCounts:
        """What the read brought to the partition that starts at `partition`; zeros if nothing."""
        for counts in self.partitions:
            if counts.partition == partition:
                return counts
        return PartitionCounts(partition)


decode = json.Decoder(LedgerRecord).decode
"""A record from JSON. Made at import: msgspec works a type out at its first use, and a first use in
several threads at once ends the process."""


def record_id(read_id: str, kind: str, run_id: str) -> str:
    """The key of a record: a read is recorded once, each run that replays it once more."""
    if kind != "replay":
        return read_id
    return f"{read_id}-replay-{blake2s(run_id.encode(), digest_size=4).hexdigest()}"
