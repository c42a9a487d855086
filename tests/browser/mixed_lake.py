"""A lake that has seen everything, filled through the emulator, and the Airflow UI on it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from include.demo.airflow import LocalAirflow, airflow_environment
from include.demo.processes import Processes
from include.entra_logs import pipeline
from include.entra_logs.api import PARTITION, Schedule, Window, partition_start
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.graph.client import GraphClient
from include.entra_logs.lake import Lake
from include.entra_logs.pipeline import Run
from include.graph_emulator.process import Emulator
from tests.kit.emulated import clock_of, connection
from tests.kit.ports import quiet_port

OUTAGE = range(5, 8)
"""Intervals of sign-ins, counted from the first, that nothing read: Airflow was down."""
FAILED = 9
"""One whose run failed."""
PASSWORD = "only-for-this-test"
MINUTE = timedelta(minutes=1)


def first_interval(now: datetime, days: int) -> datetime:
    """Where a lake of so many days begins."""
    return partition_start(now - timedelta(days=days))


def short_interval(now: datetime) -> datetime:
    """One of which Graph sent a part, and said that it was all: yesterday's busiest.

    Its sweep after six hours has run, the one after three days has not.
    """
    return partition_start(now - timedelta(days=1)).replace(hour=10)


def fill(lake: Lake, emulator: Emulator, first: datetime, now: datetime) -> None:
    """Every run that came due between `first` and `now`, at its time, but for what went wrong."""
    due = [
        (start + PARTITION + s.settle, s, start)
        for api in CATALOGUE.values()
        for s in api.schedules()
        for start in Window(first, partition_start(now)).partitions()
    ]
    wrong = {first + number * PARTITION for number in (*OUTAGE, FAILED)}
    with GraphClient(connection(emulator), pace=0.01, now=clock_of(emulator)) as graph:
        for at, schedule, start in sorted(due, key=lambda each: (each[0], each[1].dag_id)):
            if at + MINUTE > now or (schedule.api.name == "sign_ins" and start in wrong):
                continue
            emulator.set_clock(at + MINUTE)
            cut = (schedule.dag_id, start) == ("entra_sign_ins", short_interval(now))
            if cut:
                emulator.change(page_cap=100)
                emulator.plan([{"kind": "short_answer", "api": "sign_ins", "request": 3}])
            _run(schedule, Window(start, start + PARTITION), graph, lake)
            if cut:
                assert emulator.plan_hits() == [1], "the answer was not cut"
                emulator.change(page_cap=None)
    emulator.set_clock(now)


def _run(schedule: Schedule, window: Window, graph: GraphClient, lake: Lake) -> None:
    """The four verbs, as a scheduled run does them."""
    run = Run(schedule, window, "graph", f"scheduled__{window.start.isoformat()}")
    retention = timedelta(days=30)
    access = pipeline.authenticate(run, graph, lake, retention)
    reads = pipeline.extract(run, access, graph, lake, retention)
    pipeline.load(run, pipeline.normalise(run, reads, lake), lake)


@contextmanager
def airflow_ui(folder: Path, emulator: Emulator, lake: Lake, first: datetime) -> Iterator[str]:
    """The address of Airflow's UI on the lake, with a login; one run has really failed.

    Nothing is scheduled: API server alone, with the DAGs known.
    """
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps({"admin": PASSWORD}))
    connections = {"msgraph_default": emulator.connection}
    environment = airflow_environment(folder / "airflow", quiet_port(), connections)
    environment |= {
        "ENTRA_START": first.isoformat(),
        "ENTRA_LAKE_URL": lake.url,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
    }
    with Processes(folder / "logs", environment) as processes:
        airflow = LocalAirflow(processes)
        airflow.start(parts={})
        wrong = emulator.connection | {"password": "expired"}
        start = first + FAILED * PARTITION
        subprocess.run(
            ["airflow", "dags", "test", "entra_sign_ins", start.isoformat()],
            env=environment | {"AIRFLOW_CONN_MSGRAPH_DEFAULT": json.dumps(wrong)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,  # it fails: that is what it is for
        )
        yield airflow.url


def now() -> datetime:
    """The time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
