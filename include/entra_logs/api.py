"""The declarations of what is asked from Graph and when: Api, Workload, Window, Schedule.

Standard library only: Airflow parses this module every few seconds, so it does no I/O, reads no
clock and no setting. An API is one `Api` value in a file of `catalogue/`; its DAGs, table, docs and
contract tests follow from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from include.entra_logs.table import Table

PARTITION = timedelta(hours=2)
"""Width of a data interval and of a partition of a table."""


def partition_start(at: datetime) -> datetime:
    """The even UTC hour at or before `at`: the start of the partition that `at` lies in."""
    at = at.astimezone(UTC)
    return at.replace(hour=at.hour - at.hour % 2, minute=0, second=0, microsecond=0)


def later(at: datetime, by: timedelta) -> datetime:
    """`at + by`; the end of time where the calendar ends before."""
    try:
        return at + by
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def is_partition_start(at: datetime) -> bool:
    """True if a partition, and so a data interval, starts at `at`."""
    return partition_start(at) == at


def partitions_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """The starts of the partitions that `[start, end)` touches, ascending."""
    at = partition_start(start)
    while at < end:
        yield at
        at = later(at, PARTITION)


def months_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """The starts of the months that `[start, end)` touches, ascending, UTC."""
    at = start.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while at < end:
        yield at
        following = later(at, timedelta(days=31)).replace(day=1, hour=0, minute=0, second=0)
        at = following.replace(microsecond=0) if following > at else end


def utc_text(at: datetime) -> str:
    """`at` as Graph's `$filter` wants it: UTC, `Z`, microseconds only where there are some."""
    text = (
        at.astimezone(UTC)
        .replace(tzinfo=None)
        .isoformat(timespec="microseconds" if at.microsecond else "seconds")
    )
    return text + "Z"


@dataclass(frozen=True, order=True)
class Window:
    """A half-open interval of event time `[start, end)`, aware UTC, not empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            at = getattr(self, name)
            if at.tzinfo is None:
                raise ValueError(f"{name} of a window needs a time zone, got {at!r}")
            object.__setattr__(self, name, at.astimezone(UTC))
        if self.start >= self.end:
            raise ValueError(f"a window needs start < end, got {self}")

    def __str__(self) -> str:
        return f"[{utc_text(self.start)}, {utc_text(self.end)})"

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end

    def partitions(self, within: "Window | None" = None) -> Iterator[datetime]:
        """The starts of the partitions that the window touches, ascending; of `within` alone."""
        if within is None:
            return partitions_between(self.start, self.end)
        return partitions_between(max(self.start, within.start), min(self.end, within.end))


@dataclass(frozen=True)
class Budget:
    """What Graph allows: `requests` in any `seconds`, as Microsoft documents it for a workload."""

    requests: int
    seconds: float


@dataclass(frozen=True)
class Workload:
    """What shares one of Graph's budgets: whoever reads one API of it uses up that of the others.

    The pool lets one task at a time ask, so the budget is kept over all runs of a tenant.
    """

    budget: Budget
    pool: str


@dataclass(frozen=True)
class Sweep:
    """The same intervals read once more, `settle` after their end, to find what came late."""

    name: str
    settle: timedelta


@dataclass(frozen=True)
class Api:
    """One question to a collection of Microsoft Graph, and the table that its answers become.

    An API is named by its table.
    """

    table: Table
    path: str
    """Path of the collection below the table's version of Graph, without a leading slash."""
    workload: Workload
    page_size: int
    """Documented maximum of `$top`."""
    permission: str
    """Least application permission."""
    licence: str | None
    """Licence the tenant needs, None if none."""
    sweeps: tuple[Sweep, ...] = ()
    settle: timedelta = timedelta(minutes=15)
    freshness: timedelta = timedelta(hours=3)
    """Target: how long ago the newest interval in the lake may have ended.

    The next one is due two hours and `settle` after it; the rest is time for the run.
    """
    where: str | None = None
    """A constant clause that is and-ed to the window: one collection, several tables."""
    bounds: Literal["ge/le", "gt/lt"] = "ge/le"
    """How the window's ends are asked; `gt/lt` where the documentation has these alone."""
    headers: tuple[tuple[str, str], ...] = ()
    """Names and values of headers that each request has beside the client's own."""

    @property
    def name(self) -> str:
        """Of the table, and of the DAG after `entra_`."""
        return self.table.name

    @property
    def title(self) -> str:
        """What people call it."""
        return self.table.title

    def schedules(self) -> "tuple[Schedule, ...]":
        """One schedule for each DAG of this API: main, sweeps, updates."""
        table = self.table
        found = [Schedule(self, "main", self.settle, table.event_time)]
        found += [
            Schedule(self, f"sweep_{s.name}", s.settle, table.event_time) for s in self.sweeps
        ]
        if table.updated_time:
            found.append(Schedule(self, "updates", self.settle, table.updated_time))
        return tuple(found)


def dag_id(api: str, kind: str) -> str:
    """The DAG that makes the api's reads of this kind."""
    return f"entra_{api}" if kind == "main" else f"entra_{api}_{kind}"


@dataclass(frozen=True)
class Schedule:
    """What one DAG does: read `api` by `filter_by`, `settle` after each interval's end."""

    api: Api
    kind: str
    """`main`, `sweep_<name>` or `updates`."""
    settle: timedelta
    filter_by: str
    """The time property that the window filters: the event time, or the updated time."""

    @property
    def dag_id(self) -> str:
        """`entra_<api>`, with the kind behind it for all but the main DAG."""
        return dag_id(self.api.name, self.kind)

    @property
    def is_sweep(self) -> bool:
        """Whether this reads again what the main DAG has read."""
        return self.kind.startswith("sweep_")
