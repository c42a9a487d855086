"""How far the lake has come for an API, and which intervals should be there by now.

The lake page and the alerts ask the same questions; both get their answers here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.entra_logs.api import PARTITION, Api, Window, partition_start
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.states import IntervalState, State, settled


@dataclass(frozen=True)
class Freshness:
    """How far the lake has come for one API and tenant."""

    api: str
    tenant_id: str
    reached: datetime | None
    """End of the newest interval that was read; None if there is none."""
    age: timedelta | None
    """How long ago that was."""
    target: timedelta
    """How old it may be, as the API declares it."""

    @property
    def behind(self) -> bool:
        """Whether it is older than it may be, or nothing was read at all."""
        return self.age is None or self.age > self.target


def freshness(
    api: Api, tenant_id: str, intervals: Iterable[IntervalState], now: datetime
) -> Freshness:
    """The freshness that the states of the latest intervals tell, in any order."""
    ends = (i.interval.end for i in intervals if i.state is not State.MISSING)
    reached = max(ends, default=None)
    age = None if reached is None else now - reached
    return Freshness(api.name, tenant_id, reached, age, api.freshness)


def expected(
    api: Api, start: datetime | None, records: Iterable[LedgerRecord], now: datetime
) -> Window | None:
    """The whole intervals of `api` that the lake should hold by `now`; None: none yet.

    With `start` (ENTRA_START): from the first interval at or after it to the last settled one.
    Without, nothing is scheduled, and only what lies between the reads that were made is expected.
    """
    end = settled(api, now)
    if start is not None:
        first = partition_start(start)
        first = first if first == start else first + PARTITION
    else:
        reads = [r for r in records if r.filter_by == api.table.event_time]
        if not reads:
            return None
        first = partition_start(min(r.window_start for r in reads))
        end = min(end, partition_start(max(r.window_end for r in reads)))
    return Window(first, end) if first < end else None
