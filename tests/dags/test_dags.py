"""The DAGs as Airflow parses them: which there are, how they are wired, how fast, from what."""

import itertools
import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.serialized_objects import DagSerialization

from include.entra_logs.airflow_side.init import pools
from include.entra_logs.airflow_side.timetable import SettledIntervalTimetable
from include.entra_logs.catalogue import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
MAIN = {f"entra_{name}" for name in CATALOGUE}
SWEEPS = {f"entra_{name}_sweep_{s.name}" for name, api in CATALOGUE.items() for s in api.sweeps}
UPDATES = {f"entra_{name}_updates" for name, api in CATALOGUE.items() if api.table.updated_time}
PIPELINE = MAIN | SWEEPS | UPDATES
RELIED_ON = {
    "entra_sign_ins",
    "entra_sign_ins_sweep_6h",
    "entra_sign_ins_sweep_3d",
    "entra_directory_audits",
    "entra_directory_audits_sweep_6h",
    "entra_directory_audits_sweep_3d",
    "entra_risk_detections",
    "entra_risk_detections_sweep_3d",
    "entra_risk_detections_updates",
}
"""What commands and dashboards out there name: a new API adds to these and renames none."""
OTHERS = {"entra_lake_upkeep", "entra_lake_watch", "entra_daily_summary"}
VERBS = ["authenticate", "extract", "normalise", "load"]


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    """Every DAG of dags/ by its id; parsing raised nothing."""
    bag = DagBag(dag_folder=ROOT / "dags")
    assert bag.import_errors == {}
    return dict(bag.dags)


def test_exactly_the_dags_of_the_interface(dags: dict[str, Any]) -> None:
    """One for each API, sweep and updated time that is declared; none that is relied on is gone."""
    assert set(dags) == PIPELINE | OTHERS
    assert set(dags) >= RELIED_ON


def test_four_verbs_in_a_row(dags: dict[str, Any]) -> None:
    """authenticate, extract, normalise, load: each needs only the one before it."""
    for dag_id in PIPELINE:
        tasks = dags[dag_id].task_dict
        assert list(tasks) == VERBS
        for before, after in itertools.pairwise(VERBS):
            assert tasks[before].downstream_task_ids == {after}


def test_every_task_says_what_it_does(dags: dict[str, Any]) -> None:
    """One line in the UI; and each DAG has its runbook, with its own names in it."""
    for dag_id, dag in dags.items():
        assert "### When a run is red" in dag.doc_md
        assert dag_id in dag.doc_md
        assert dag.description
        assert "{" not in re.sub(r'\{"(source|day)": ', "", dag.doc_md)
        for task in dag.tasks:
            assert re.fullmatch(r"[A-Z][^\n]+\.", task.doc_md), task.task_id


def test_pools_exist_and_keep_the_budget(dags: dict[str, Any]) -> None:
    """What asks Graph holds its workload's pool, `load` its own; `make init` makes them all."""
    for api in CATALOGUE.values():
        for schedule in api.schedules():
            tasks = dags[schedule.dag_id].task_dict
            assert tasks["authenticate"].pool == tasks["extract"].pool == api.workload.pool
            assert tasks["load"].pool == "entra_load"
    named = {task.pool for dag in dags.values() for task in dag.tasks} - {"default_pool"}
    assert named == set(pools())


def test_fresh_before_sweeps_and_begun_before_new(dags: dict[str, Any]) -> None:
    """The weight rises along the tasks, and any task of a fresh interval outranks every sweep's."""
    weight = {
        dag_id: [dags[dag_id].task_dict[verb].priority_weight for verb in VERBS]
        for dag_id in PIPELINE
    }
    assert {task.weight_rule for dag in dags.values() for task in dag.tasks} == {"absolute"}
    assert all(found == sorted(set(found)) for found in weight.values())
    assert max(max(weight[i]) for i in SWEEPS) < min(min(weight[i]) for i in PIPELINE - SWEEPS)


def test_schedule_traps(dags: dict[str, Any]) -> None:
    """Our timetable with each DAG's own delay, catch-up on, a constant start long ago."""
    for api in CATALOGUE.values():
        for schedule in api.schedules():
            dag = dags[schedule.dag_id]
            assert isinstance(dag.timetable, SettledIntervalTimetable)
            assert dag.timetable.serialize()["settle"] == schedule.settle.total_seconds()
            assert dag.catchup is True
            assert dag.start_date.year == 2010


def test_retries_back_off_and_every_task_has_a_timeout(dags: dict[str, Any]) -> None:
    """What can mend is tried again after 30 s, 1, 2, 4 and 8 min; nothing runs for ever."""
    for dag in dags.values():
        for task in dag.tasks:
            assert task.retries >= 2
            assert task.retry_delay == timedelta(seconds=30)
            assert task.retry_exponential_backoff == 2
            assert task.execution_timeout is not None


def test_no_value_is_spread_over_xcoms(dags: dict[str, Any]) -> None:
    """A task hands over one small dict, not one XCom for each of its keys."""
    assert {task.multiple_outputs for dag in dags.values() for task in dag.tasks} == {False}


def test_params(dags: dict[str, Any]) -> None:
    """`source` is graph or raw; `start` and `end` are unset, or a moment."""
    params = dags["entra_sign_ins"].params
    assert params.dump() == {"source": "graph", "start": None, "end": None}
    assert params.get_param("start").resolve("2026-11-22T00:00:00Z")
    for name, wrong in (("source", "cache"), ("start", 5), ("end", 5)):
        with pytest.raises(ParamValidationError):
            params.get_param(name).resolve(wrong)


def test_every_dag_survives_the_database(dags: dict[str, Any]) -> None:
    """Serialised and read back, each DAG has its timetable: it is registered by the plugin."""
    for dag_id in PIPELINE:
        again = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dags[dag_id]))
        assert again.timetable == dags[dag_id].timetable


def test_the_example_of_the_docs_listens_to_what_load_updates(dags: dict[str, Any]) -> None:
    """docs/assets.md names the assets as `load` declares them: by name and address alike."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/assets.md").read_text(), re.DOTALL)
    told: dict[str, Any] = {}
    exec(code, told)
    assert [told["READ"], told["CHANGED"]] == dags["entra_sign_ins"].task_dict["load"].outlets
    assert told["hunt"]().timetable.asset_condition is not None


PROBE = """
import json, socket, sqlite3, sys, time
import airflow.sdk, airflow.timetables.interval
from airflow.dag_processing.dagbag import DagBag
from airflow.plugins_manager import get_timetables_plugins
get_timetables_plugins()
before = set(sys.modules)
reached = []
socket.socket.connect = lambda self, to: reached.append(str(to))
sys.addaudithook(
    lambda event, args: reached.append(event)
    if event in ("socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen", "os.putenv") else None
)
start = time.process_time()
bag = DagBag(dag_folder=sys.argv[1])
spent = time.process_time() - start
print(json.dumps({
    "spent": spent, "dags": len(bag.dags), "errors": bag.import_errors,
    "reached": reached, "loaded": sorted(set(sys.modules) - before),
}))
"""


def test_parsing_is_light(airflow_env: dict[str, str]) -> None:
    """Under 0.5 s over Airflow's own import; no network, database, process or setting; no pandas.

    Measured as processor time, so that a busy machine does not fail it.
    """
    bare = {k: v for k, v in airflow_env.items() if not k.startswith(("ENTRA_", "AIRFLOW_CONN_"))}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(ROOT / "dags")],
        env=bare,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["errors"] == {}
    assert found["dags"] == len(PIPELINE | OTHERS)
    assert found["reached"] == []
    assert found["spent"] < 0.5
    heavy = {
        "pandas",
        "pyarrow",
        "numpy",
        "httpx",
        "obstore",
        "duckdb",
        "azure",
        "pydantic_settings",
    }
    assert heavy & {name.partition(".")[0] for name in found["loaded"]} == set()


def test_parsing_reads_no_setting_but_entra_start() -> None:
    """The source of dags/ asks the environment for ENTRA_START and nothing else."""
    source = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "dags").glob("*.py"))
    assert set(re.findall(r'environ\S*?\(?"(\w+)"', source)) == {"ENTRA_START"}
    assert not re.search(r"Variable|now\(|Connection", source)
    assert os.environ.get("AIRFLOW_HOME")
