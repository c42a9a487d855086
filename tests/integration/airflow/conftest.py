"""Real Airflow in this process: `dag.test` on SQLite, against the emulator over TLS."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session

from include.entra_logs.airflow_side import connections
from include.entra_logs.api import PARTITION, partition_start
from include.graph_emulator.process import start_emulator
from include.graph_emulator.settings import SECRET, Application, Settings
from tests.integration.airflow.lookup import HALF_ALLOWED, Done, secrets_in_files, secrets_in_text

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def emulator() -> Iterator[Any]:
    """A small company's Graph that never throttles."""
    may_read_audits = Application(secrets=[SECRET], roles=["AuditLog.Read.All"])
    applications = Settings().applications | {HALF_ALLOWED: may_read_audits}
    with start_emulator(
        sign_ins_per_day=1500,
        throttling=False,
        lateness="none",
        applications={name: app.model_dump() for name, app in applications.items()},
    ) as running:
        yield running


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, emulator: Any) -> Callable[..., None]:
    """Set the Graph connection: the emulator's own, with fields changed."""

    def set_fields(extra: dict[str, Any] | None = None, **changed: Any) -> None:
        fields = emulator.connection | changed
        fields["extra"] = fields["extra"] | (extra or {})
        monkeypatch.setenv("AIRFLOW_CONN_MSGRAPH_DEFAULT", json.dumps(fields))

    return set_fields


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, connect: Callable[..., None]) -> Path:
    """An empty lake, a connection that works, and a client that does not wait for the budget."""
    connect()
    monkeypatch.setenv("ENTRA_LAKE_URL", tmp_path.as_uri())
    quick = partial(connections.GraphClient, pace=0.01)
    monkeypatch.setattr(connections, "GraphClient", quick)
    return tmp_path


@pytest.fixture(scope="session")
def long_ago() -> Iterator[datetime]:
    """Starts of data intervals, each another, all settled for every schedule."""
    first = partition_start(datetime.now(UTC) - timedelta(days=9))
    return (first + number * PARTITION for number in range(50))


@pytest.fixture
def interval(long_ago: Iterator[datetime]) -> datetime:
    """The start of a data interval that no other test uses."""
    return next(long_ago)


@pytest.fixture
def recent() -> datetime:
    """The start of the newest interval that has settled: its first read is one in time."""
    return partition_start(datetime.now(UTC) - timedelta(minutes=15)) - PARTITION


@pytest.fixture
def run_dag(
    airflow_db: None, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[..., Done]:
    """Run a DAG to its end in this process, as `airflow dags test` does."""

    def run(dag_id: str, logical_date: datetime | None, **conf: Any) -> Done:
        dag = DagBag(dag_folder=ROOT / "dags").dags[dag_id]
        capfd.readouterr()
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="include"):
            made = dag.test(logical_date=logical_date, run_conf=conf or None)
        printed = capfd.readouterr()
        with create_session() as session:
            tasks = made.get_task_instances(session=session)
            xcoms = session.query(XComModel).filter(XComModel.run_id == made.run_id).all()
            events = session.query(AssetEvent).filter(AssetEvent.source_run_id == made.run_id)
            done = Done(
                state=str(made.state),
                tries={task.task_id: task.try_number for task in tasks},
                states={task.task_id: str(task.state) for task in tasks},
                pools={task.task_id: task.pool for task in tasks},
                text=printed.out + printed.err + caplog.text,
                xcoms={x.task_id: XComModel.deserialize_value(x) for x in xcoms},
                asset_events={(e.asset.uri, e.partition_key): e.extra for e in events},
            )
        assert secrets_in_text(done.text) == []
        assert secrets_in_files(Path(os.environ["AIRFLOW_HOME"])) == []
        assert all(len(json.dumps(value)) < 2000 for value in done.xcoms.values())
        return done

    return run
