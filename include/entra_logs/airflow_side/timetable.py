"""The timetable of every DAG: two-hour data intervals on even UTC hours, due once settled.

Airflow asks it when a run is created, in the scheduler; it reads no clock. The plugin
`plugins/entra_lake.py` registers it: an unregistered timetable stops the parsing of all DAGs. It
is not in `plugins/`, as a class imported as `plugins.…` is not found as registered.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.utils.types import DagRunType
from pendulum import DateTime, instance

from include.entra_logs.api import PARTITION, is_partition_start, partition_start
from include.entra_logs.start import parse_start

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

EVERY_TWO_HOURS = "0 */2 * * *"


def interval_from(start: datetime) -> DataInterval:
    """The data interval of two hours that starts at `start`."""
    at = instance(start).in_timezone("UTC")
    return DataInterval(at, at + PARTITION)


class SettledIntervalTimetable(CronDataIntervalTimetable):  # type: ignore[misc]  # Airflow is untyped
    """Intervals `[start, start + 2 h)`, each due `settle` after its end, from `start` on.

    `start` is the text of ENTRA_START. Unset, or not a date, nothing is scheduled on its own (the
    UI's schedule column says so, and every run's `authenticate` refuses what is not a date); manual
    runs and backfills work all the same.

    A logical date on a boundary means the interval that starts there, for every kind of run.
    Airflow's stock timetables take the one that ends there for a manual run, so that a single
    manual run made the scheduler stand still or skip ahead.
    """

    # Airflow's database names the class by this path, which therefore stays.
    __module__ = "include.entra_logs.timetable"

    def __init__(self, settle: timedelta, start: str | None) -> None:
        super().__init__(EVERY_TWO_HOURS, "UTC")
        self._settle = settle
        self._start = start or None
        try:
            first = parse_start(start)
        except ValueError:
            first = None
        self._first: DateTime | None = None if first is None else instance(first)
        self.description = f"every two hours, {_spoken(settle)} after the interval's end (UTC)"

    @property
    def summary(self) -> str:
        """The schedule as the UI shows it."""
        if self._first is not None:
            return f"2 h + {_spoken(self._settle)}"
        return f"manual: ENTRA_START is {'not a date' if self._start else 'unset'}"

    def serialize(self) -> dict[str, Any]:
        """What the metadata database keeps of it."""
        return {"settle": self._settle.total_seconds(), "start": self._start}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "SettledIntervalTimetable":
        """The timetable that `serialize` described."""
        return cls(timedelta(seconds=data["settle"]), data["start"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.serialize() == other.serialize()

    def __hash__(self) -> int:
        return hash((self._settle, self._start))

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
    ) -> DagRunInfo | None:
        """The interval after the last one, never before ENTRA_START, due `settle` after its end.

        A backfill names its own range, which Airflow passes as a restriction with a `latest`:
        ENTRA_START does not bound it.
        """
        if restriction.latest is None:
            if self._first is None:
                return None
            earliest = max(self._first, restriction.earliest or self._first)
            restriction = restriction._replace(earliest=earliest)
        info = super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )
        return info and info._replace(run_after=info.run_after + self._settle)

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """The interval that starts at `run_after` on a boundary, else the last one settled by then.

        For a manual run Airflow passes its logical date here.
        """
        if is_partition_start(run_after):
            return interval_from(run_after)
        return interval_from(partition_start(run_after - self._settle) - PARTITION)

    def run_info_from_dag_run(self, *, dag_run: "DagRun") -> DagRunInfo:
        """What the scheduler goes on from: the interval that the run's logical date means.

        `airflow dags trigger --logical-date` stores the interval of its own now instead: taken at
        its word, the scheduler would leave out all that lies between, or stand still. A backfill
        that lies ahead of the scheduler would do the same, so it goes on where its own runs end.
        """
        info = super().run_info_from_dag_run(dag_run=dag_run)
        at = dag_run.logical_date
        if at is None or not is_partition_start(at):
            return info
        if dag_run.run_type == DagRunType.BACKFILL_JOB and self._first is not None:
            at = _end_of_own_runs(dag_run, self._align_to_next(self._first))
        return info._replace(data_interval=interval_from(at))


def _end_of_own_runs(backfilled: "DagRun", first: datetime) -> datetime:
    """The logical date up to which, from the last scheduled run on, every interval has a run.

    `first` is the first interval that is scheduled at all. Airflow (3.3.2) takes the latest run of
    a schedule *or a backfill* as the last one, and would never come back to what lies before it.
    """
    # Here, as the models take half a second to import, and each parsing of `dags/` would pay it.
    from airflow.models.dagrun import DagRun  # noqa: PLC0415  see above
    from sqlalchemy import select  # noqa: PLC0415  comes with the models
    from sqlalchemy.orm import object_session  # noqa: PLC0415  comes with the models

    session = object_session(backfilled)
    at: datetime = backfilled.logical_date
    if session is None:
        return at
    runs = select(DagRun.logical_date).where(DagRun.dag_id == backfilled.dag_id)
    scheduled = runs.where(DagRun.run_type == DagRunType.SCHEDULED)
    last = session.scalar(scheduled.order_by(DagRun.logical_date.desc()).limit(1))
    at = max(first - PARTITION, last) if last else first - PARTITION
    taken = set(session.scalars(runs.where(DagRun.logical_date > at)))
    while at + PARTITION in taken:
        at += PARTITION
    return at


def _spoken(settle: timedelta) -> str:
    """`settle` in the largest unit that divides it: 15 min, 6 h, 3 d."""
    for unit, name in ((timedelta(days=1), "d"), (timedelta(hours=1), "h")):
        if settle and settle % unit == timedelta(0):
            return f"{settle // unit} {name}"
    return f"{settle // timedelta(minutes=1)} min"
