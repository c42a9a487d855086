"""The watch over the lake: what needs attention is told once, and once more when it is over."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import dag, task

SCHEDULE = "*/30 * * * *" if os.environ.get("ENTRA_START") else None

RUNBOOK = """\
Looks at the lake's ledger and at Airflow's runs every half an hour, and tells through the Airflow
connection that `ENTRA_ALERTS_CONN_ID` names (unset: in this log alone) what needs attention: an API
behind its freshness target, an interval that is missing (its run failed, or was never made) or
disputed, a failed run, defective events, properties that have no column, a certificate that ends
within 30 days. Each is told once with what to do, and once more when it is over.

It looks back as far as Graph does (`ENTRA_RETENTION_DAYS`): what is older cannot be read again.
Airflow keeps what was told as `entra_lake_alerts_told` (under Admin); delete it to be told anew.

### When a run is red
The last line of the red task's log is one sentence that says what is wrong and what to do: the lake
or a connection is out of reach (that is told as well), or the notification was not delivered. What
was not delivered is told by the next run that can.

    airflow dags trigger entra_lake_watch
"""


@dag(
    dag_id="entra_lake_watch",
    description="Alerts, every half an hour: what needs attention, once, and when it is over",
    doc_md=RUNBOOK,
    schedule=SCHEDULE,
    start_date=datetime(2010, 1, 1, tzinfo=UTC),
    catchup=False,  # what was wrong then and still is, is seen now
    max_active_runs=1,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,
        "weight_rule": "absolute",
        "priority_weight": 1000,  # told before the work that may be what is stuck
        "execution_timeout": timedelta(minutes=10),
    },
    tags=["entra", "watch"],
)
def entra_lake_watch() -> None:
    """One look, and one notification if something has changed."""

    @task(multiple_outputs=False)
    def watch() -> dict[str, Any]:
        """Looks at lake and runs, and tells what is new and what is over."""
        from include.entra_logs.airflow_side import alerts

        return alerts.watch()

    watch()


entra_lake_watch()
