"""The DAGs of the pipeline: for each API its main DAG, its sweeps and its changes; and upkeep.

To add an API, add one file to `include/entra_logs/catalogue/`: its DAGs appear here by themselves.
To read an API's intervals once more at another time, add a `Sweep` to its declaration. Parsing this
file does no I/O and reads no clock and no setting but ENTRA_START, so what a task needs is imported
inside the task.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, dag, task

from include.entra_logs.airflow_side import assets
from include.entra_logs.airflow_side.runbook import display_name, runbook, summary
from include.entra_logs.airflow_side.timetable import SettledIntervalTimetable
from include.entra_logs.api import Schedule
from include.entra_logs.catalogue import CATALOGUE

# A run before start_date is green with no task in it, and moving start_date back later has no
# effect: so it is constant and long ago, and the timetable holds the lower bound.
LONG_AGO = datetime(2010, 1, 1, tzinfo=UTC)
START = os.environ.get("ENTRA_START")

# The scheduler takes the highest weight first, then the oldest date: what has begun is finished
# before more is begun, and fresh intervals go before sweeps.
FRESH, SWEEP = 100, 10

DEFAULTS = {
    "weight_rule": "absolute",
    "retries": 5,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
}
PARAMS = {
    "source": Param(
        "graph",
        type="string",
        enum=["graph", "raw"],
        description="graph: ask Microsoft Graph. raw: load again what was read before, offline.",
    ),
    "start": Param(
        None,
        type=["null", "string"],
        format="date-time",
        description="Start of an explicit window, instead of the data interval; needs end.",
    ),
    "end": Param(
        None,
        type=["null", "string"],
        format="date-time",
        description="End of the explicit window, not part of it; needs start.",
    ),
}


def make_dag(schedule: Schedule) -> DAG:
    """The DAG of one schedule: authenticate, extract, normalise, load."""
    api = schedule.api
    weight = SWEEP if schedule.is_sweep else FRESH

    @dag(
        dag_id=schedule.dag_id,
        dag_display_name=display_name(schedule),
        description=summary(schedule),
        doc_md=runbook(schedule),
        schedule=SettledIntervalTimetable(schedule.settle, START),
        start_date=LONG_AGO,
        catchup=True,  # off, an outage leaves gaps without a word
        max_active_runs=4,
        params=PARAMS,
        default_args=DEFAULTS,
        tags=["entra", api.name, "sweep" if schedule.is_sweep else schedule.kind],
    )
    def entra() -> None:
        @task(
            pool=api.workload.pool,
            priority_weight=weight,
            multiple_outputs=False,
            execution_timeout=timedelta(minutes=10),
        )
        def authenticate() -> dict[str, Any]:
            """Proves that the window may be read from Graph and the lake be written."""
            from include.entra_logs import pipeline
            from include.entra_logs.airflow_side import bridge

            with bridge.task_run(schedule, asks_source=True) as t:
                return pipeline.authenticate(t.run, t.source, t.lake, t.retention)

        @task(
            pool=api.workload.pool,
            priority_weight=weight + 1,
            multiple_outputs=False,
            execution_timeout=timedelta(hours=6),
        )
        def extract(access: dict[str, Any]) -> dict[str, Any]:
            """Brings every page of the window from Graph to raw, as it came."""
            from include.entra_logs import pipeline
            from include.entra_logs.airflow_side import bridge, metrics

            with bridge.task_run(schedule, asks_source=True) as t:
                reads = pipeline.extract(t.run, access, t.source, t.lake, t.retention)
                metrics.read(api.name, reads)
                return reads

        @task(
            priority_weight=weight + 2, multiple_outputs=False, execution_timeout=timedelta(hours=2)
        )
        def normalise(reads: dict[str, Any]) -> dict[str, Any]:
            """Turns the raw pages into one typed table per partition, in staging."""
            from include.entra_logs import pipeline
            from include.entra_logs.airflow_side import bridge

            with bridge.task_run(schedule) as t:
                return pipeline.normalise(t.run, reads, t.lake)

        @task(
            pool="entra_load",
            priority_weight=weight + 3,
            multiple_outputs=False,
            execution_timeout=timedelta(hours=2),
            outlets=assets.outlets(schedule),
        )
        def load(tables: dict[str, Any]) -> dict[str, Any]:
            """Merges them into the lake's table, every event once, and records the read."""
            from include.entra_logs import pipeline
            from include.entra_logs.airflow_side import bridge, metrics

            with bridge.task_run(schedule) as t:
                loaded = pipeline.load(t.run, tables, t.lake)
                metrics.loaded(loaded)
                assets.emit(loaded)
                return loaded.handover()

        load(normalise(extract(authenticate())))

    return entra()


for each in CATALOGUE.values():
    for schedule in each.schedules():
        make_dag(schedule)
