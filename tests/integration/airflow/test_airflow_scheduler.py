"""A real scheduler with its own processes: catch-up, a manual run before it, a backfill."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.demo.airflow import LocalAirflow, airflow_environment
from include.demo.processes import Processes
from include.entra_logs.api import PARTITION, partition_start
from include.graph_emulator.process import start_emulator
from tests.integration.airflow.lookup import secrets_in_files, table, truth
from tests.kit.ports import quiet_port
from tests.kit.waiting import wait_for

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.timeout(1500)]

INTERVALS = 4


@pytest.fixture(scope="module")
def emulator() -> Iterator[Any]:
    """A small company's Graph."""
    with start_emulator(sign_ins_per_day=1500, lateness="none") as running:
        yield running


def command(environment: dict[str, str], *arguments: str) -> str:
    """What `airflow …` printed; it ended with 0."""
    done = attempt(environment, *arguments)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def attempt(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`airflow …`, however it ended."""
    return subprocess.run(
        ["airflow", *arguments], env=environment, capture_output=True, text=True, check=False
    )


def beside_a_scheduler(airflow: LocalAirflow, *arguments: str) -> None:
    """`airflow …` ended with 0, at last.

    Airflow reads and then writes in one savepoint, which SQLite refuses at once if the scheduler
    wrote in between; half a backfill is cancelled before the next try.
    """
    environment = airflow.processes.environment
    for _ in range(5):
        done = attempt(environment, *arguments)
        if done.returncode == 0:
            return
        assert "database is locked" in done.stdout + done.stderr, done.stderr[-3000:]
        open_ones = airflow.api.get("/backfills", params={"dag_id": "entra_sign_ins"})
        for each in open_ones.raise_for_status().json()["backfills"]:
            if each["completed_at"] is None:
                airflow.api.put(f"/backfills/{each['id']}/cancel").raise_for_status()
    raise AssertionError("SQLite was locked five times")


@pytest.mark.long(150)
def test_the_scheduler_catches_up_and_is_not_disturbed(emulator: Any, tmp_path: Path) -> None:
    """From a bare home: init, a manual test run, catch-up without a gap, a backfill, a trigger.

    The manual run's date lies in the middle of what the scheduler is about to catch up. Afterwards
    no log, XCom or database holds a token, the secret or a name.
    """
    due = partition_start(datetime.now(UTC) - timedelta(minutes=16))
    first = due - INTERVALS * PARTITION
    environment = airflow_environment(
        tmp_path / "airflow", quiet_port(), {"msgraph_default": emulator.connection}
    )
    environment["ENTRA_START"] = first.isoformat()
    environment["ENTRA_LAKE_URL"] = (tmp_path / "lake").as_uri()
    init = [sys.executable, "-m", "include.entra_logs.airflow_side.init"]
    lake = tmp_path / "lake"

    report = subprocess.run(init, env=environment, capture_output=True, text=True, check=True)
    for name in ("entra_audit_logs", "entra_identity_protection", "entra_load"):
        assert f"made  pool {name}, 1 slot" in report.stdout
    assert "WRONG" not in report.stdout

    manual = first + PARTITION
    command(environment, "dags", "test", "entra_sign_ins", manual.isoformat())
    assert table(lake, "sign_ins") == truth(emulator, "sign_ins", manual, manual + PARTITION)

    with Processes(tmp_path / "logs", environment) as processes:
        airflow = LocalAirflow(processes)
        airflow.start()
        airflow.unpause(["entra_sign_ins", "entra_risk_detections"])

        def caught_up() -> bool:
            airflow.check()
            runs = [airflow.runs(d, first) for d in ("entra_sign_ins", "entra_risk_detections")]
            assert not [run for found in runs for run in found if run["state"] == "failed"]
            return all(
                [r["state"] for r in found[:INTERVALS]] == ["success"] * INTERVALS for found in runs
            )

        wait_for("catch-up", caught_up, within=400)
        starts = [first + number * PARTITION for number in range(INTERVALS)]
        runs = airflow.runs("entra_sign_ins", first)[:INTERVALS]  # another may come due meanwhile
        assert [datetime.fromisoformat(run["data_interval_start"]) for run in runs] == starts
        kinds = [run["run_type"] for run in runs]
        assert kinds == ["scheduled", "manual", "scheduled", "scheduled"]
        for api in ("sign_ins", "risk_detections"):
            assert table(lake, api, due) == truth(emulator, api, first, due)

        earlier = first - 2 * PARTITION
        beside_a_scheduler(
            airflow,
            *("backfill", "create", "--dag-id", "entra_sign_ins"),
            *("--from-date", earlier.isoformat(), "--to-date", first.isoformat()),
            *("--reprocess-behavior", "completed", "--dag-run-conf", '{"source": "graph"}'),
        )

        def filled() -> bool:
            airflow.check()
            found = airflow.runs("entra_sign_ins", earlier)
            assert not [run for run in found if run["state"] == "failed"]
            again = [run for run in found[:3] if run["run_type"] == "backfill"]
            return len(again) == 3 and all(run["state"] == "success" for run in again)

        wait_for("backfill", filled, within=400)
        assert table(lake, "sign_ins", due) == truth(emulator, "sign_ins", earlier, due)

        asked = earlier - PARTITION
        beside_a_scheduler(airflow, "dags", "trigger", "entra_sign_ins", "-l", asked.isoformat())

        def triggered() -> bool:
            return airflow.runs("entra_sign_ins", asked)[0]["state"] == "success"

        wait_for("triggered run", triggered, within=400)
        assert table(lake, "sign_ins", due) == truth(emulator, "sign_ins", asked, due)

    assert secrets_in_files(tmp_path / "airflow") == []
    assert secrets_in_files(tmp_path / "logs") == []
    assert not list((tmp_path / "airflow" / "logs").rglob("*.tmp"))
    assert os.environ["AIRFLOW_HOME"] != environment["AIRFLOW_HOME"]


def test_init_again_changes_nothing_and_says_what_is_wrong(tmp_path: Path) -> None:
    """Twice is as good as once; without a connection it says so, with a wrong setting it fails."""
    environment = airflow_environment(tmp_path, quiet_port(), {})
    environment["ENTRA_LAKE_URL"] = (tmp_path / "lake").as_uri()
    init = [sys.executable, "-m", "include.entra_logs.airflow_side.init"]
    first = subprocess.run(init, env=environment, capture_output=True, text=True, check=True)
    assert "note  Airflow connection msgraph_default is missing" in first.stdout
    environment |= {"ENTRA_START": "soon", "ENTRA_LAKE_ULR": "file:///x"}
    again = subprocess.run(init, env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "made" not in again.stdout
    assert "ok    pool entra_load" in again.stdout
    assert "WRONG ENTRA_START was 'soon'; it may be" in again.stdout
    assert "ENTRA_LAKE_ULR is no setting" in again.stdout
