"""`make init`: prepares and checks the Airflow that this environment names, any number of times.

The database is migrated, missing pools are made; settings, lake, connection, plugin and folders are
checked. One line each; exit code 1 if something is wrong that would make every run fail.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from airflow.configuration import conf
from airflow.models.pool import Pool
from airflow.plugins_manager import get_timetables_plugins

from include.entra_logs.airflow_side import connections, notifiers
from include.entra_logs.airflow_side.timetable import SettledIntervalTimetable
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import EntraLakeError, Refused
from include.entra_logs.settings import ROOT, Settings, load_settings, start_text, unknown_settings
from include.entra_logs.watch.message import Message

SLOTS = 1
"""Of each pool: one read of a workload at a time keeps Graph's budget over all runs of a tenant."""


class Finding(NamedTuple):
    """One line of the report."""

    verdict: str
    """`ok`, `made`, `note` (look at it) or `WRONG` (every run would fail)."""
    text: str


def pools() -> dict[str, str]:
    """Every pool that a DAG names, and what it is for.

    A pool that is missing blocks its tasks without a word.
    """
    found: dict[str, str] = {}
    for api in CATALOGUE.values():
        found.setdefault(
            api.workload.pool, "Entra Lake: one read of Graph at a time for this workload"
        )
    return found | {"entra_load": "Entra Lake: loads into the tables"}


def prepare() -> Iterator[Finding]:
    """Migrate the database and make what is missing; every finding in turn."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True)
    yield Finding("ok", f"database of {os.environ.get('AIRFLOW_HOME', '~/airflow')} is migrated")
    yield from (_pool(name, purpose) for name, purpose in pools().items())
    yield from _airflow_folders()
    yield from (
        Finding("note", f"{name} is no setting of Entra Lake: misspelt?")
        for name in unknown_settings(os.environ)
    )
    try:
        settings = load_settings()
    except Refused as error:
        yield Finding("WRONG", str(error))
        return
    yield Finding("ok", f"settings; ENTRA_START is {start_text(settings)}")
    connections.outside_tasks()
    yield _checked(f"lake {settings.lake_url}", lambda: connections.lake_of(settings).check())
    yield _graph(settings)
    yield _alerts(settings)


def _pool(name: str, purpose: str) -> Finding:
    pool = Pool.get_pool(name)
    if pool is None:
        Pool.create_or_update_pool(name, SLOTS, purpose, include_deferred=False)
        return Finding("made", f"pool {name}, {SLOTS} slot")
    if pool.slots != SLOTS:
        return Finding("note", f"pool {name} has {pool.slots} slots, {SLOTS} is meant; left so")
    return Finding("ok", f"pool {name}")


def _airflow_folders() -> Iterator[Finding]:
    """Whether Airflow, as this environment configures it, finds the DAGs and the timetable."""
    dags, ours = Path(conf.get("core", "dags_folder")), ROOT / "dags"
    if dags.resolve() != ours:
        yield Finding("note", f"dags folder is {dags}; ours is AIRFLOW__CORE__DAGS_FOLDER={ours}")
    if SettledIntervalTimetable in get_timetables_plugins().values():
        yield Finding("ok", "timetable is registered")
    else:
        missing = f"AIRFLOW__CORE__PLUGINS_FOLDER={ROOT / 'plugins'} is not set here"
        yield Finding("note", f"{missing}; without the timetable in it no DAG can be parsed")


def _graph(settings: Settings) -> Finding:
    """The Graph connection; one that is missing is no fault before the first run."""
    name = settings.graph_conn_id
    if not connections.has_connection(name):
        return Finding("note", f"Airflow connection {name} is missing: add it before the first run")
    return _checked(f"Airflow connection {name}", lambda: connections.graph_connection(name))


def _alerts(settings: Settings) -> Finding:
    """The connection of the alerts; it is looked at, nothing is sent."""
    name = settings.alerts_conn_id
    if name is None:
        return Finding("ok", "alerts are silent: ENTRA_ALERTS_CONN_ID is unset")
    nothing = Message("", ())
    return _checked(f"alerts through {name}", lambda: notifiers.notifier(name, nothing))


def _checked(what: str, check: Callable[[], object]) -> Finding:
    try:
        check()
    except EntraLakeError as error:
        return Finding("WRONG", str(error))
    return Finding("ok", what)


def main() -> int:
    """Print the report; 1 if something is wrong, else 0."""
    wrong = False
    for verdict, text in prepare():
        print(f"{verdict:<6}{text}", flush=True)  # noqa: T201  a command's output
        wrong |= verdict == "WRONG"
    return int(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
