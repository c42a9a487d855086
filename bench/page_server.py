"""The server of `bench/page.py`: the lake page of ten tables behind Airflow's own login.

    python -m bench.page_server runs       put the runs of the last 30 days into Airflow's database
    python -m bench.page_server serve 15   serve; answers are kept 15 s

Airflow's environment says where. Of Airflow's API server only the login is there: what the rest of
it costs is not the page's.
"""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import uvicorn
from airflow.api_fastapi.app import init_auth_manager
from airflow.configuration import conf
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from fastapi import FastAPI
from sqlalchemy import insert
from sqlalchemy.orm import configure_mappers

DAYS = timedelta(days=30)


def serve(fresh_for: float) -> None:
    """Serve page and login on loopback until told to stop."""
    began = time.perf_counter()
    page = import_module("include.lake_page.app")
    imports = 1000 * (time.perf_counter() - began)
    import_module("include.lake_page.memory").FRESH_FOR = fresh_for
    app = FastAPI()
    init_auth_manager(app)
    configure_mappers()  # any page of Airflow's has done it before ours is opened
    app.mount("/lake", page.make_app(import_module("bench.page_lake").APIS))
    app.add_api_route("/imports", lambda: imports)
    uvicorn.run(app, host="127.0.0.1", port=conf.getint("api", "port"), log_level="warning")


def make_runs() -> None:
    """Every schedule of every table has run well, as Airflow keeps it."""
    rows = list(runs(datetime.now(UTC)))
    with create_session() as session:
        session.execute(insert(DagRun.__table__), rows)


def runs(now: datetime) -> Iterator[dict[str, Any]]:
    """The rows of the runs that came due in the last 30 days."""
    lake = import_module("bench.page_lake")
    api = import_module("include.entra_logs.api")
    for table in lake.APIS.values():
        for schedule in table.schedules():
            for start in api.Window(now - DAYS, now).partitions():
                due = start + api.PARTITION + schedule.settle
                if due + lake.RUN < now:
                    yield {
                        "dag_id": schedule.dag_id,
                        "run_id": f"scheduled__{due.isoformat()}",
                        "logical_date": start,
                        "data_interval_start": start,
                        "data_interval_end": start + api.PARTITION,
                        "run_after": due,
                        "run_type": "scheduled",
                        "state": "success",
                    }


if __name__ == "__main__":
    if sys.argv[1] == "runs":
        make_runs()
    else:
        serve(float(sys.argv[2]))
