"""The Airflow database of a version before: its runs stay readable, its DAGs go on."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import zstandard

from include.demo.airflow import LocalAirflow, airflow_environment, free_port
from include.demo.processes import Processes
from include.entra_logs.api import PARTITION
from include.graph_emulator.process import start_emulator
from tests.kit.waiting import wait_for

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.timeout(900)]

BEFORE = Path(__file__).parents[1] / "before"
TOLD = json.loads((BEFORE / "airflow.json").read_text())
DAG_ID = TOLD["dag_id"]
DESERIALIZED = """
from airflow.models.serialized_dag import SerializedDagModel
print(type(SerializedDagModel.get_dag("entra_sign_ins").timetable).__name__)
"""


def test_a_database_of_the_version_before_goes_on(tmp_path: Path) -> None:
    """Stored DAGs are understood as they are; then the queued run and the next interval succeed."""
    home = tmp_path / "airflow"
    home.mkdir()
    packed = (BEFORE / "airflow.db.zst").read_bytes()
    (home / "airflow.db").write_bytes(zstandard.ZstdDecompressor().decompress(packed))
    with start_emulator(sign_ins_per_day=500, lateness="none") as emulator:
        environment = airflow_environment(
            home, free_port(), {"msgraph_default": emulator.connection}
        )
        environment["ENTRA_START"] = TOLD["entra_start"]
        environment["ENTRA_LAKE_URL"] = (tmp_path / "lake").as_uri()

        def said(*command: str) -> str:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
            return done.stdout

        assert "SettledIntervalTimetable" in said(sys.executable, "-c", DESERIALIZED)
        printed = said("airflow", "dags", "list-runs", DAG_ID, "-o", "json")
        listed = json.loads(printed[printed.index("[{") :])  # behind lines of its log
        assert {(r["run_id"], r["state"]) for r in listed} == {
            (r["run_id"], r["state"]) for r in TOLD["runs"]
        }

        (queued,) = (r for r in TOLD["runs"] if r["state"] == "queued")
        (last,) = (r for r in TOLD["runs"] if r["run_id"] == TOLD["last_scheduled"])
        following = datetime.fromisoformat(last["logical_date"]) + PARTITION
        with Processes(tmp_path / "logs", environment) as processes:
            airflow = LocalAirflow(processes)
            airflow.start()

            def went_on() -> bool:
                airflow.check()
                found = {
                    datetime.fromisoformat(run["logical_date"]): run
                    for run in airflow.runs(DAG_ID, datetime.fromisoformat(queued["logical_date"]))
                }
                done = found[datetime.fromisoformat(queued["logical_date"])], found.get(following)
                assert all(run is None or run["state"] != "failed" for run in done)
                return all(run is not None and run["state"] == "success" for run in done)

            wait_for("the queued run and the next interval", went_on, within=400)
            runs = airflow.runs(DAG_ID, datetime.fromisoformat(queued["logical_date"]))
    states = {run["dag_run_id"]: run["state"] for run in runs}
    assert {r["run_id"]: "success" for r in TOLD["runs"]}.items() <= states.items()
