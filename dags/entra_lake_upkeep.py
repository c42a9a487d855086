"""The daily upkeep of the lake: leftovers, retention, roll-up of the ledger, and proof."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import dag, task

SCHEDULE = "40 4 * * *" if os.environ.get("ENTRA_START") else None

RUNBOOK = """\
Keeps the lake tidy once a day. No run of the pipeline depends on it: a red day is made up for by
the next one.

Tasks: **tidy** removes staging of finished runs, raw past `ENTRA_RAW_RETENTION_DAYS` and partitions
past `ENTRA_TABLE_RETENTION_DAYS` (both unset: nothing), and rolls the ledger up. **verify** proves
a slice of history: raw, tables and ledger say the same.

### When a run is red
The last line of the red task's log is one sentence that says what is wrong and what to do. Red
`verify` names each window where they differ: backfill it with `--dag-run-conf '{"source": "raw"}'`
to load it again from raw, or with `'{"source": "graph"}'` to read it again.

    airflow dags trigger entra_lake_upkeep
"""


@dag(
    dag_id="entra_lake_upkeep",
    description="The lake's own upkeep, daily: leftovers, retention, roll-up, proof",
    doc_md=RUNBOOK,
    schedule=SCHEDULE,
    start_date=datetime(2010, 1, 1, tzinfo=UTC),
    catchup=False,  # yesterday's upkeep is done by today's
    max_active_runs=1,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,
        "weight_rule": "absolute",
        "execution_timeout": timedelta(hours=2),
    },
    tags=["entra", "upkeep"],
)
def entra_lake_upkeep() -> None:
    """Tidy first, so that what is proved is what stays."""

    @task(multiple_outputs=False)
    def tidy() -> dict[str, Any]:
        """Removes what is left over or too old, and rolls the ledger up."""
        from include.entra_logs.airflow_side import bridge
        from include.entra_logs.proof import upkeep

        with bridge.lake_task() as (lake, settings):
            return upkeep.tidy(lake, settings.raw_retention, settings.table_retention)

    @task(multiple_outputs=False)
    def verify() -> dict[str, Any]:
        """Proves a slice of history: raw, tables and ledger say the same."""
        from include.entra_logs.airflow_side import bridge
        from include.entra_logs.proof import upkeep

        with bridge.lake_task() as (lake, _):
            return upkeep.verify_slice(lake)

    tidy() >> verify()


entra_lake_upkeep()
