"""A local Airflow on loopback, its parts as our own child processes, spoken to by its API.

`airflow standalone` is not used: it listens on all addresses, and on SIGTERM it leaves its
scheduler, workers and API server running (seen with Airflow 3.3.2).
"""

import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from include.demo.processes import Processes

ROOT = Path(__file__).parents[2]
PARTS = {
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
TRIES = 5
PATIENCE = 60
"""Seconds that a part waits for SQLite's one writer: with Python's 5, a busy scheduler on two cores
made others fail with "database is locked"."""


def free_port(wanted: int = 0) -> int:
    """`wanted` if it is free on loopback, else a port that the system picks."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def airflow_environment(
    home: Path, port: int, connections: Mapping[str, Mapping[str, object]]
) -> dict[str, str]:
    """The environment of every part: SQLite, LocalExecutor, loopback, no login, no examples."""
    url = f"http://127.0.0.1:{port}"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")
    }
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(ROOT),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout={PATIENCE}",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
    }
    for name, fields in connections.items():
        environment[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(fields)
    return environment


class LocalAirflow:
    """The API server, scheduler, dag processor and triggerer of one Airflow home."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self.url = processes.environment["AIRFLOW__API__BASE_URL"]
        self.api = httpx.Client(
            base_url=f"{self.url}/api/v2", timeout=PATIENCE + 30, trust_env=False
        )

    def start(self, within: float = 180, parts: Mapping[str, Sequence[str]] = PARTS) -> None:
        """Make database and pools, start API server and `parts`; returns once DAGs are known."""
        self.processes.run("init", [sys.executable, "-m", "include.entra_logs.airflow_side.init"])
        self.processes.run("reserialize", ["airflow", "dags", "reserialize"])
        self.processes.start("api-server", ["airflow", "api-server"])
        for name, command in parts.items():
            self.processes.start(name, ["airflow", *command])
        deadline = time.monotonic() + within
        while not self._answers():
            self.check()
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"Airflow did not answer within {within:.0f} s; see "
                    f"{self.processes.log_of('api-server')}"
                )
            time.sleep(0.5)

    def check(self) -> None:
        """Raise if a part has ended, naming its log."""
        if name := self.processes.ended():
            raise RuntimeError(f"Airflow's {name} has ended; see {self.processes.log_of(name)}")

    def _answers(self) -> bool:
        try:
            return self.api.get("/monitor/health").is_success
        except httpx.TransportError:
            return False

    def unpause(self, dag_ids: Iterable[str]) -> None:
        """Let the scheduler run these DAGs.

        Asked again after a 500: whatever it waits, SQLite refuses who has read and then writes if
        another one wrote in between.
        """
        for dag_id in dag_ids:
            for _ in range(TRIES):
                answer = self.api.patch(f"/dags/{dag_id}", json={"is_paused": False})
                if not answer.is_server_error:
                    break
                time.sleep(1)
            answer.raise_for_status()

    def runs(self, dag_id: str, since: datetime) -> list[dict[str, Any]]:
        """The runs of a DAG whose data interval starts at `since` or later, oldest first."""
        answer = self.api.get(
            f"/dags/{dag_id}/dagRuns",
            params={"logical_date_gte": since.isoformat(), "order_by": "logical_date", "limit": 99},
        )
        answer.raise_for_status()
        runs: list[dict[str, Any]] = answer.json()["dag_runs"]
        return runs
