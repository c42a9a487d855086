"""What the scheduler makes next after runs of all kinds, on Airflow's own tables."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest
from airflow.dag_processing.collection import _get_latest_runs_stmt
from airflow.models.dagrun import DagRun
from airflow.timetables.base import TimeRestriction
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import delete, select

from include.entra_logs.airflow_side.timetable import SettledIntervalTimetable, interval_from
from include.entra_logs.api import PARTITION

pytestmark = pytest.mark.airflow

DAG_ID = "gaps_of_a_test"
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
TABLE = SettledIntervalTimetable(timedelta(minutes=15), FIRST.isoformat())


@pytest.fixture
def session(airflow_db: None) -> Iterator[Any]:
    """A session on the metadata database; what the test made is gone afterwards."""
    with create_session() as session:
        yield session
        session.execute(delete(DagRun).where(DagRun.dag_id == DAG_ID))


def make(session: Any, number: int, kind: DagRunType) -> DagRun:
    """A run of the interval `number` intervals after the first, as Airflow stores it."""
    start = pendulum.instance(FIRST + number * PARTITION)
    run = DagRun(
        dag_id=DAG_ID,
        run_id=f"{kind.value}__{number}",
        logical_date=start,
        data_interval=interval_from(start),
        run_after=start,
        run_type=kind,
        state=DagRunState.SUCCESS,
        triggered_by=DagRunTriggeredByType.TEST,
    )
    session.add(run)
    session.flush()
    return run


def schedule(session: Any, rounds: int) -> list[int]:
    """Which intervals the scheduler makes in so many rounds, as Airflow 3.3.2 goes about it.

    After each parse the latest scheduled or backfilled run is the reference; in the scheduler, the
    run that it has just made or found.
    """
    made = []
    reference = session.scalar(_get_latest_runs_stmt(DAG_ID))
    for _ in range(rounds):
        info = TABLE.next_dagrun_info_v2(
            last_dagrun_info=reference and TABLE.run_info_from_dag_run(dag_run=reference),
            restriction=TimeRestriction(pendulum.datetime(2010, 1, 1), None, catchup=True),
        )
        assert info
        start = info.data_interval.start
        number = round((start - FIRST).total_seconds() / PARTITION.total_seconds())
        found = session.scalar(
            select(DagRun).where(DagRun.dag_id == DAG_ID, DagRun.logical_date == start)
        )
        if found is None:
            made.append(number)
        reference = found or make(session, number, DagRunType.SCHEDULED)
    return made


@pytest.mark.parametrize(
    ("before", "made"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({DagRunType.SCHEDULED: [0, 1]}, [2, 3, 4, 5, 6, 7]),
        ({DagRunType.MANUAL: [0, 2, 3]}, [1, 4, 5]),
        ({DagRunType.BACKFILL_JOB: [-5, -4]}, [0, 1, 2, 3, 4, 5]),
        ({DagRunType.BACKFILL_JOB: [3, 4]}, [0, 1, 2, 5]),
        ({DagRunType.BACKFILL_JOB: [0, 1]}, [2, 3, 4, 5, 6, 7]),
        ({DagRunType.SCHEDULED: [0], DagRunType.BACKFILL_JOB: [3]}, [1, 2, 4, 5, 6]),
        (
            {DagRunType.SCHEDULED: [0], DagRunType.MANUAL: [2], DagRunType.BACKFILL_JOB: [4]},
            [1, 3, 5, 6],
        ),
    ],
    ids=[
        "fresh",
        "goes on",
        "manual runs ahead",
        "backfill before the start",
        "backfill ahead",
        "backfill at the start",
        "backfill ahead of scheduled",
        "all",
    ],
)
def test_no_gap_whatever_ran_before(
    session: Any, before: dict[DagRunType, list[int]], made: list[int]
) -> None:
    """Manual runs and backfills ahead of the scheduler leave no interval out and stop nothing."""
    for kind, numbers in before.items():
        for number in numbers:
            make(session, number, kind)
    assert schedule(session, rounds=6)[: len(made)] == made
