"""A throw-away Airflow for tests: home, SQLite, our dags and plugins, nothing from outside.

Airflow reads its configuration when it is first imported, so the root conftest sets the environment
before any test module does.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def airflow_settings(home: Path) -> dict[str, str]:
    """The variables that make `home` an Airflow of this project."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONPATH": str(ROOT),
    }


def without_airflow(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without what it says about Airflow, our settings and connections."""
    return {k: v for k, v in environment.items() if not k.startswith(("AIRFLOW", "ENTRA_"))}


def use_throwaway_home() -> None:
    """Make this process's Airflow a throw-away one, removed at exit.

    A worker's lies in that of its parallel run, so it is removed even if the worker is killed.
    """
    run = os.environ.get("AIRFLOW_HOME") if "PYTEST_XDIST_WORKER" in os.environ else None
    for name in set(os.environ) - set(without_airflow(os.environ)):
        del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="entra-airflow-", dir=run))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ.update(airflow_settings(home))
