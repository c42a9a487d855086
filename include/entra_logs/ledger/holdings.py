"""What a partition holds, by the ledger: how many events, first seen when; and how many came late.

Each record says what the published file held once its load was done. Loads only add rows, and only
lower when a row was first seen; so the largest step at each moment, over all records, is what the
file holds now, in whatever order the loads came. What lowers it (`Lowered`) is noted before it is
done, and no record of a load before that counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.entra_logs.api import Api, Window
from include.entra_logs.ledger.record import FirstSeen, LedgerRecord

TIMELY = timedelta(hours=2)
"""A first read that comes later than so long after it was due says nothing about lateness."""
Steps = tuple[FirstSeen, ...]


@dataclass(frozen=True)
class Lowered:
    """What made the partitions that start in `[start, end)` hold less, retention or a rebuild."""

    api: str
    tenant_id: str
    start: datetime
    end: datetime
    loaded_until: datetime
    """No record loaded by then says what they hold."""
    seen: Steps = ()
    """What they held afterwards."""

    def concerns(self, api: str, tenant_id: str, partition: datetime) -> bool:
        """Whether it is about that partition."""
        same = (self.api, self.tenant_id) == (api, tenant_id)
        return same and self.start <= partition < self.end


def held(records: Iterable[LedgerRecord], partition: datetime, lowered: Iterable[Lowered]) -> Steps:
    """What the partition holds by these records of its table and tenant, ascending and cumulative.

    `lowered` are those that concern it.
    """
    notes = list(lowered)
    since = max((note.loaded_until for note in notes), default=None)
    told = [note.seen for note in notes if note.loaded_until == since]
    told += [r.at(partition).seen for r in records if since is None or r.loaded_at > since]
    moments = sorted({step.at for steps in told for step in steps})
    found: list[FirstSeen] = []
    for at in moments:
        rows = max(rows_by(steps, at) for steps in told)
        if not found or rows > found[-1].rows:
            found.append(FirstSeen(at, rows))
    return tuple(found)


def rows_by(steps: Steps, at: datetime) -> int:
    """How many rows were first seen by `at`."""
    return max((step.rows for step in steps if step.at <= at), default=0)


def is_timely(api: Api, interval: Window, read_at: datetime) -> bool:
    """Whether a read asked then came when a first read of the interval is due."""
    due = interval.end + api.settle
    return due <= read_at <= due + TIMELY


def late(api: Api, interval: Window, reads: Iterable[LedgerRecord], holds: Steps) -> int | None:
    """How many events the interval holds beyond what it held by its first timely read.

    Timely is a whole read by event time, not past retention, asked within two hours of being due.
    None where there was none, or no whole read after it: then there is nothing to say.
    """
    whole = sorted(
        r.read_at
        for r in reads
        if r.covers(interval) and not r.past_retention and r.filter_by == api.table.event_time
    )
    first = next((at for at in whole if is_timely(api, interval, at)), None)
    if first is None or whole[-1] <= first:
        return None
    return holds[-1].rows - rows_by(holds, first) if holds else 0
