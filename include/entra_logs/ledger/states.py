"""The state of each two-hour interval of an API: a pure function of the ledger's records.

Counted are complete reads by event time (main, sweeps, backfills of them); a replay stands for the
read that it replays, where that one has no record of its own. Reads of changes bring events, but
say nothing about a window being whole. The definitions, in the order in which they are tried:

past_retention  every read that covers the interval was asked after Graph had begun to forget it
missing         the reads, taken together, do not cover the interval
disputed        a read disagrees with an earlier one, and no later read of the whole interval has
                brought all that is known. It disagrees if it lacked events that an earlier read
                had, or if it added a block of neighbours where the earlier answer had none, which
                lateness does not explain: then the earlier answer was cut short
provisional     asked before the interval had settled
empty           read, and no read has brought an event
verified        a later read of the whole interval, an hour after the first or more and once it had
                settled, agreed with the earlier ones, or only added
provisional     read once, with a sweep of its API still ahead
complete        read once, as late as its API's last sweep would
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from include.entra_logs.api import PARTITION, Api, Window, later, partition_start
from include.entra_logs.ledger.holdings import Lowered, Steps, held, is_timely, late
from include.entra_logs.ledger.record import LedgerRecord, PartitionCounts

CHANCE = 1e-6
"""A block of added events that chance would explain this rarely is not lateness."""
APART = timedelta(hours=1)
"""Two reads that are nearer to each other may have had one answer of Graph's cache."""
EMPTY_BLOCK = 10
"""So many events where an earlier read answered with none are not lateness either."""


class State(StrEnum):
    """What the ledger knows about an interval."""

    COMPLETE = "complete"
    VERIFIED = "verified"
    DISPUTED = "disputed"
    PROVISIONAL = "provisional"
    EMPTY = "empty"
    MISSING = "missing"
    PAST_RETENTION = "past_retention"


@dataclass(frozen=True)
class IntervalState:
    """An interval of one API and tenant with its state and the records that it follows from."""

    api: str
    tenant_id: str
    interval: Window
    state: State
    records: tuple[LedgerRecord, ...] = ()
    """All that touch the interval, reads of changes and replays too, ascending by `read_at`."""
    outstanding: tuple[str, ...] = ()
    """Sweeps of the API that no read was late enough to stand for, e.g. `("3d",)`."""

    held: Steps = ()
    """What the partition holds: see `holdings`."""
    late: int | None = None
    """Events that came after the first timely read; None where nothing can be said."""

    @property
    def events(self) -> int:
        """Events in the partition."""
        return self.held[-1].rows if self.held else 0

    @property
    def disagreements(self) -> int:
        """How often a read disagreed with an earlier one, mended since or not."""
        return len(_disagreeing(_counted(self.records), self.interval))


def states(
    api: Api,
    tenant_id: str,
    records: Iterable[LedgerRecord],
    span: Window,
    lowered: Sequence[Lowered] = (),
) -> Iterator[IntervalState]:
    """The state of every interval in `span`, ascending. `span` is widened to whole intervals.

    `records` and `lowered` may hold other APIs and tenants. An interval that is not due yet is
    `missing` here: end `span` where the last due interval ends.
    """
    touching: dict[datetime, list[LedgerRecord]] = {start: [] for start in span.partitions()}
    for record in records:
        if record.api == api.name and record.tenant_id == tenant_id:
            for start in _touched(record, api, span):
                if start in touching:
                    touching[start].append(record)
    for start, found in touching.items():
        found.sort(key=lambda r: (r.read_at, r.loaded_at))
        interval = Window(start, start + PARTITION)
        yield interval_state(api, tenant_id, interval, tuple(found), lowered)


def interval_state(
    api: Api,
    tenant_id: str,
    interval: Window,
    records: tuple[LedgerRecord, ...],
    lowered: Sequence[Lowered] = (),
) -> IntervalState:
    """The state of one interval; `records` touch it and ascend by `read_at`."""
    start = interval.start
    notes = [note for note in lowered if note.concerns(api.name, tenant_id, start)]
    holds = held(records, start, notes)
    reads = _counted(tuple(r for r in records if r.filter_by == api.table.event_time))
    newest = reads[-1].read_at if reads else None
    outstanding = tuple(
        s.name for s in api.sweeps if newest is None or newest < interval.end + s.settle
    )
    state = _state(api, interval, records, reads)
    return IntervalState(
        api.name,
        tenant_id,
        interval,
        state,
        records,
        outstanding,
        holds,
        late(api, interval, records, holds),
    )


def read_before(api: Api, record: LedgerRecord, known: Iterable[LedgerRecord]) -> set[datetime]:
    """Starts of the intervals that the record touches and an earlier read had brought whole."""
    return {start for start, at in _whole_reads(api, record, known) if at < record.read_at}


def timely_before(api: Api, record: LedgerRecord, known: Iterable[LedgerRecord]) -> set[datetime]:
    """The same, of those that an earlier read had brought in time: what is added now is late."""
    return {
        start
        for start, at in _whole_reads(api, record, known)
        if at < record.read_at and is_timely(api, Window(start, later(start, PARTITION)), at)
    }


def _whole_reads(
    api: Api, record: LedgerRecord, known: Iterable[LedgerRecord]
) -> Iterator[tuple[datetime, datetime]]:
    """Starts of intervals that the record touches, each with when some read of it was asked."""
    touched = record.touched()
    for read in known:
        if read.filter_by == api.table.event_time and not read.past_retention:
            for start in touched:
                if read.covers(Window(start, later(start, PARTITION))):
                    yield start, read.read_at


def lateness(intervals: Iterable[IntervalState]) -> tuple[int, int, int]:
    """How many events came late, of how many, in how many intervals of which that can be said."""
    told = [(i.late, i.events) for i in intervals if i.late is not None]
    return sum(late for late, _ in told), sum(events for _, events in told), len(told)


def _state(
    api: Api, interval: Window, records: tuple[LedgerRecord, ...], reads: list[LedgerRecord]
) -> State:
    """The first definition of the module's docstring that fits."""
    normal = [r for r in reads if not r.past_retention]
    whole = [r for r in normal if r.covers(interval)]
    if not (whole or _covered(interval, normal)):
        return State.PAST_RETENTION if _covered(interval, reads) else State.MISSING
    odd = _disagreeing(normal, interval)
    if odd and not any(r.read_at > odd[-1].read_at for r in whole):
        return State.DISPUTED
    newest = normal[-1].read_at
    if newest < interval.end + api.settle:
        return State.PROVISIONAL
    if not any(r.at(interval.start).brought for r in records):
        return State.EMPTY
    if _agreed(whole, interval.end + api.settle):
        return State.VERIFIED
    final = max((s.settle for s in api.sweeps), default=api.settle)
    return State.COMPLETE if newest >= interval.end + final else State.PROVISIONAL


def _agreed(whole: list[LedgerRecord], settled_at: datetime) -> bool:
    """Whether two reads of Graph, far enough apart, have brought the interval."""
    last = whole[-1].read_at if whole else settled_at
    return bool(whole) and last >= max(settled_at, whole[0].read_at + APART)


def _touched(record: LedgerRecord, api: Api, span: Window) -> set[datetime]:
    """Starts of the intervals that a record says something about; as to its window, in `span`."""
    found = {counts.partition for counts in record.partitions}
    if record.filter_by == api.table.event_time:
        found |= set(record.window.partitions(span))
    return found


def _counted(records: tuple[LedgerRecord, ...]) -> list[LedgerRecord]:
    """One record per read, ascending by `read_at`; a replay only where nothing else is there."""
    chosen: dict[str, LedgerRecord] = {}
    for record in records:
        held = chosen.get(record.read_id)
        if held is None or (held.kind == "replay" and record.kind != "replay"):
            chosen[record.read_id] = record
    return sorted(chosen.values(), key=lambda r: r.read_at)


def _covered(interval: Window, reads: list[LedgerRecord]) -> bool:
    """Whether the reads' windows, taken together, cover the interval."""
    reached = interval.start
    for read in sorted(reads, key=lambda r: r.window_start):
        if read.window_start > reached:
            return False
        reached = max(reached, read.window_end)
        if reached >= interval.end:
            return True
    return False


def _disagreeing(reads: list[LedgerRecord], interval: Window) -> list[LedgerRecord]:
    """The reads that contradict an earlier one about this interval, ascending by `read_at`."""
    odd = []
    for number, read in enumerate(reads):
        counts = read.at(interval.start)
        if counts.lacked or (shows_a_cut(counts) and _compares(reads[:number], interval, counts)):
            odd.append(read)
    return odd


def _compares(earlier: list[LedgerRecord], interval: Window, counts: PartitionCounts) -> bool:
    """Whether what a read added says something about these reads before it.

    One that brought more than was known then was loaded later: compared with it, nothing is said.
    """
    brought = [r.at(interval.start).brought for r in earlier if r.covers(interval)]
    return bool(brought) and max(brought) <= counts.changed + counts.unchanged + counts.lacked


def shows_a_cut(counts: PartitionCounts) -> bool:
    """Whether what a read added looks like the missing end of an earlier answer, not like lateness.

    `known` events split the time into `known + 1` gaps. Were the added ones late at random, a row
    of `block` of them without a known one between would be expected in `known * share ** block`
    partitions, `share` being that of the added among all.
    """
    known = counts.changed + counts.unchanged + counts.lacked
    if not known:
        return counts.added >= EMPTY_BLOCK
    share = counts.added / (known + counts.added)
    return bool(counts.block) and (known + 1) * share**counts.block < CHANCE


def settled(api: Api, at: datetime) -> datetime:
    """The end of the last interval that a main run may have read by `at`."""
    return partition_start(at - api.settle)
