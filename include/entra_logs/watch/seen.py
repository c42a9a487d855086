"""What is known of one API and tenant at one moment: the ledger's side, and Airflow's."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from include.entra_logs.api import PARTITION, Api, Schedule, Window, partition_start
from include.entra_logs.errors import Corrupt
from include.entra_logs.lake import layout
from include.entra_logs.lake.layout import Shelf
from include.entra_logs.ledger.freshness import Freshness, expected, freshness
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.states import IntervalState, State, states

Starts = Mapping[str, frozenset[datetime]]
"""Starts of intervals by the id of the DAG."""


@dataclass(frozen=True)
class Runs:
    """What Airflow knows of the runs of an API's DAGs, as far as it was asked."""

    failed: Starts = field(default_factory=dict)
    """Those whose run is red."""
    made: Starts = field(default_factory=dict)
    """Those of `overdue` that have a run, in whatever state."""
    under_way: Starts = field(default_factory=dict)
    """Those of `overdue` whose run waits or runs."""


@dataclass(frozen=True)
class Seen:
    """What the ledger knows of one API and tenant."""

    api: Api
    tenant_id: str
    now: datetime
    since: datetime
    """Nothing before it is looked at: Graph has begun to forget it, so nothing mends it."""
    span: Window | None
    """The intervals that the lake should hold by now, from `since` on; None: none."""
    scheduled: bool
    """Whether intervals come on their own, by ENTRA_START."""
    intervals: tuple[IntervalState, ...]
    """The states of all in `span`, ascending."""
    records: tuple[LedgerRecord, ...]
    """Of reads of windows that start at `since` or later."""
    fresh: Freshness
    broken: Mapping[str, str] = field(default_factory=dict)
    """By month, `YYYY-MM`, of which the ledger is not wholly known: why. Nothing else is told."""

    @property
    def behind(self) -> bool:
        """Whether the API is behind its target; with nothing read, once its first should be in."""
        if (
            self.span is None
            or not self.scheduled
            or self._is_unknown(self.now - self.api.freshness)
        ):
            return False
        return self.now - (self.fresh.reached or self.span.start) > self.api.freshness

    def _is_unknown(self, at: datetime) -> bool:
        return layout.month(at) in self.broken

    def is_tail(self, start: datetime) -> bool:
        """Whether the interval there is one of those that `behind` tells of."""
        return self.behind and (self.fresh.reached is None or start >= self.fresh.reached)

    def starts(self) -> tuple[datetime, ...]:
        """The start of every interval from `since` to now, expected or not."""
        return tuple(Window(self.since, self.now).partitions())

    @cached_property
    def overdue(self) -> dict[str, tuple[datetime, ...]]:
        """By DAG the starts of what it should have done, due for longer than the target.

        Of an API that is behind, also those that are due since its newest interval.
        """
        return {s.dag_id: tuple(self._overdue(s)) for s in self.api.schedules()}

    def _overdue(self, schedule: Schedule) -> Iterator[datetime]:
        if schedule.kind != "main" and not self.scheduled:
            return
        changes = {
            start
            for record in self.records
            if record.filter_by == self.api.table.updated_time
            for start in record.window.partitions(self.span)
        }
        for interval in self.intervals:
            start = interval.interval.start
            late = self.now - interval.interval.end - schedule.settle > self.api.freshness
            late = late or (schedule.kind == "main" and self.is_tail(start))
            if late and not _done(schedule, interval, changes_read=start in changes):
                yield start


def _done(schedule: Schedule, interval: IntervalState, *, changes_read: bool) -> bool:
    """Whether what the schedule does was done for the interval, or has nothing to be done to."""
    if schedule.kind == "main":
        return interval.state is not State.MISSING
    if schedule.is_sweep:
        unread = interval.state in (State.MISSING, State.PAST_RETENTION)
        return unread or schedule.kind.removeprefix("sweep_") not in interval.outstanding
    return changes_read


def see(
    api: Api,
    tenant_id: str,
    records: Iterable[LedgerRecord],
    now: datetime,
    *,
    start: datetime | None,
    horizon: timedelta,
    known: Iterable[IntervalState] | None = None,
    broken: Mapping[Shelf, Corrupt] | None = None,
) -> Seen:
    """What these records say; `start` is ENTRA_START, `horizon` how long Graph keeps the events.

    `records` may hold other APIs and tenants. They should reach back to `now - horizon`. `known`
    are the states since then, where somebody has them already; `broken` what the ledger could not
    read: intervals of these months are left out.
    """
    folder = layout.tenant_folder(tenant_id)
    unknown = {
        shelf.month: str(error)
        for shelf, error in (broken or {}).items()
        if (shelf.table, shelf.tenant) == (api.name, folder)
    }
    ours = tuple(r for r in records if r.api == api.name and r.tenant_id == tenant_id)
    since = partition_start(now - horizon) + PARTITION
    span = _from(expected(api, start, ours, now), since)
    if known is None:
        known = states(api, tenant_id, ours, span) if span else ()
    found = tuple(
        i
        for i in known
        if span and i.interval.start in span and layout.month(i.interval.start) not in unknown
    )
    return Seen(
        api=api,
        tenant_id=tenant_id,
        now=now,
        since=since,
        span=span,
        scheduled=start is not None,
        intervals=found,
        records=tuple(r for r in ours if r.window_start >= since),
        fresh=freshness(api, tenant_id, found, now),
        broken=unknown,
    )


def _from(window: Window | None, since: datetime) -> Window | None:
    """What of the window lies at `since` or later."""
    if window is None or window.end <= since:
        return None
    return Window(max(window.start, since), window.end)
