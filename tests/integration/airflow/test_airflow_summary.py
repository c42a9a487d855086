"""The example DAG, started by Airflow's own scheduler code when a day of sign-ins is there."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.asset import AssetPartitionDagRun, PartitionedAssetKeyLog
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.sdk.api.datamodels._generated import TaskInstance
from airflow.sdk.execution_time.supervisor import run_task_in_process
from airflow.utils.session import create_session
from sqlalchemy import delete, select, update

from include.entra_logs.api import PARTITION
from include.entra_logs.lake import open_lake
from include.entra_logs.ledger import removals
from include.entra_logs.ledger.removals import Removal
from tests.integration.airflow.lookup import Done, late_sign_in

pytestmark = pytest.mark.airflow

DAG_ID = "entra_daily_summary"
ROOT = Path(__file__).resolve().parents[3]
RunDag = Callable[..., Done]
Summary = list[dict[str, Any]]


@pytest.fixture
def day(airflow_db: None) -> datetime:
    """A settled UTC day that no other test reads."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=16)


@pytest.fixture
def unpaused(run_dag: RunDag, lake: Path) -> Iterator[None]:
    """The example DAG is known to Airflow and not paused; what it was waiting for is forgotten."""
    run_dag(DAG_ID, None, day="2010-01-01")  # dag.test brings all DAGs to the database
    with create_session() as session:
        here = update(DagModel).where(DagModel.dag_id == DAG_ID)
        session.execute(here.values(is_paused=False))
    yield
    with create_session() as session:
        session.execute(here.values(is_paused=True))
        session.execute(delete(PartitionedAssetKeyLog))
        session.execute(delete(AssetPartitionDagRun))
        session.execute(delete(DagRun).where(DagRun.dag_id == DAG_ID))


def started() -> dict[str, str]:
    """What became of the runs that one round of the scheduler makes, by their partition keys."""
    with create_session() as session:
        before = set(session.scalars(select(DagRun.id).where(DagRun.dag_id == DAG_ID)))
        SchedulerJobRunner(Job())._create_dagruns_for_partitioned_asset_dags(session)
        made = session.scalars(
            select(DagRun).where(DagRun.dag_id == DAG_ID, DagRun.id.not_in(before))
        ).all()
        session.commit()
        ended = {}
        for run in made:
            (task,) = run.get_task_instances(session=session)
            task.set_state("queued", session=session)
            names = ("task_id", "dag_id", "run_id", "map_index")
            known = {name: getattr(task, name) for name in names}
            ids = {"id": UUID(str(task.id)), "dag_version_id": UUID(str(task.dag_version_id))}
            session.commit()
            operator = DagBag(dag_folder=ROOT / "dags").dags[DAG_ID].task_dict[task.task_id]
            done = run_task_in_process(ti=TaskInstance(try_number=1, **ids, **known), task=operator)
            ended[str(run.partition_key)] = done.ti.state.value
        return ended


def summary(lake: Path, day: datetime) -> Summary:
    """The rows of the one file of the day."""
    (file,) = lake.glob(f"summaries/sign_ins_daily/*/date={day:%Y-%m-%d}/summary.parquet")
    return pq.ParquetFile(file).read().to_pylist()


def expected(emulator: Any, day: datetime) -> Summary:
    """The same from the events that Graph has."""
    found = emulator.truth("sign_ins", day, day + timedelta(days=1), events=True)
    apps = defaultdict(list)
    for event in found.events:
        apps[event.get("appId")].append(event)
    return [
        {
            "app_id": app,
            "app_display_name": max(e.get("appDisplayName") or "" for e in events) or None,
            "sign_ins": len(events),
            "failures": sum(e["status"]["errorCode"] != 0 for e in events),
            "users": len({e["userId"] for e in events}),
        }
        for app, events in sorted(apps.items(), key=lambda found: (found[0] is None, found[0]))
    ]


def test_a_day_is_summed_up_once_it_is_whole(
    run_dag: RunDag, emulator: Any, lake: Path, day: datetime, unpaused: None
) -> None:
    """Nothing at eleven intervals; at twelve one run, whose numbers are Graph's; late ones too.

    A change that comes before the day is whole does not use up what waits for it.
    """
    end = day + timedelta(days=1) - PARTITION
    eleven = run_dag("entra_sign_ins", day, start=day.isoformat(), end=end.isoformat())
    assert len(eleven.asset_events) == 11
    assert started() == {}
    late_sign_in(emulator, day + timedelta(minutes=63))
    run_dag("entra_sign_ins", day)
    assert started() == {f"{day:%Y-%m-%d} changed": "skipped"}
    assert not (lake / "summaries").exists()

    assert run_dag("entra_sign_ins", end).asset_events
    assert started() == {f"{day:%Y-%m-%d}": "success"}
    assert summary(lake, day) == expected(emulator, day)
    assert started() == {}

    late_sign_in(emulator, day + timedelta(minutes=64))
    run_dag("entra_sign_ins", day)
    assert started() == {f"{day:%Y-%m-%d} changed": "success"}
    assert summary(lake, day) == expected(emulator, day)


def test_by_hand(run_dag: RunDag, emulator: Any, lake: Path, day: datetime) -> None:
    """A day that is not whole is skipped; one that is gives the same bytes each time."""
    before = day - timedelta(days=1)
    asked = f"{before:%Y-%m-%d}"
    run_dag("entra_sign_ins", before)
    done = run_dag(DAG_ID, None, day=asked)
    assert done.states == {"summarise": "skipped"}
    assert f"1 of 12 intervals of [{asked}T00:00:00Z, " in done.text
    run_dag("entra_sign_ins", before, start=before.isoformat(), end=day.isoformat())
    files = []
    for _ in range(2):
        assert run_dag(DAG_ID, None, day=asked).state == "success"
        (file,) = lake.rglob("summary.parquet")
        files.append(file.read_bytes())
    assert files[0] == files[1]
    assert summary(lake, before) == expected(emulator, before)


def test_what_is_too_old_is_not_summed_up(
    run_dag: RunDag, emulator: Any, lake: Path, day: datetime
) -> None:
    """A day of which the table was removed for its age keeps the summary that it has."""
    before = day - timedelta(days=2)
    end = before + timedelta(days=1)
    run_dag("entra_sign_ins", before, start=before.isoformat(), end=end.isoformat())
    (tenant,) = run_dag(DAG_ID, None, day=f"{before:%Y-%m-%d}").xcoms["summarise"]["apps"]
    removal = Removal("tables", "sign_ins", tenant, before + PARTITION, datetime.now(UTC))
    removals.note_removal(open_lake(lake.as_uri()), removal)
    done = run_dag(DAG_ID, None, day=f"{before:%Y-%m-%d}")
    assert done.states == {"summarise": "skipped"}
    assert "11 of 12 intervals" in done.text
    assert summary(lake, before) == expected(emulator, before)


def test_a_run_about_no_day(run_dag: RunDag, lake: Path) -> None:
    """It fails at once and says what to give."""
    assert "trigger it with the param day" in run_dag(DAG_ID, None).reason("summarise")
