"""An example of a DAG that starts on data, not on a clock: each day of sign-ins, summed up by app.

Airflow starts it when all twelve intervals of a UTC day are in the table, and again whenever a load
has changed one of them. Copy it to make a table of your own.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (
    DayWindow,
    MinimumCount,
    Param,
    PartitionedAssetTimetable,
    RollupMapper,
    StartOfDayMapper,
    dag,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowSkipException

from include.entra_logs.airflow_side import assets

SIGN_INS, CHANGES = assets.table("sign_ins"), assets.changes("sign_ins")
TWELVE = MinimumCount(12)  # a DayWindow has 24 hours, and intervals start at the even ones
STARTED_BY = PartitionedAssetTimetable(
    assets=SIGN_INS | CHANGES,
    partition_mapper_config={
        SIGN_INS: RollupMapper(
            upstream_mapper=StartOfDayMapper(), window=DayWindow(), wait_policy=TWELVE
        ),
        # Other keys than above: a change must not use up the intervals that wait for their day.
        CHANGES: StartOfDayMapper(output_format="%Y-%m-%d changed"),
    },
)
RUNBOOK = """\
Sums up each UTC day of sign-ins by app: sign-ins, failures, distinct users. The table lies in
`summaries/sign_ins_daily/`, one file for each day. Nothing else depends on it.

It starts by itself when all twelve intervals of a day were read, and again when a sweep, a backfill
or a replay has changed one of them. A run is skipped while intervals of its day are not
there: not read yet, or removed for their age.

### When a run is red
The last line of the red task's log is one sentence that says what is wrong and what to do. Then
clear the task: the day is summed up anew. A day that has passed while this DAG was paused:

    airflow dags trigger entra_daily_summary --conf '{"day": "2026-11-22"}'
"""


@dag(
    dag_id="entra_daily_summary",
    dag_display_name="Entra sign-ins · daily summary",
    description="Sign-ins of each day by app, as soon as all of the day is there",
    doc_md=RUNBOOK,
    schedule=STARTED_BY,
    start_date=datetime(2010, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params={
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            description="By hand: the UTC day to sum up.",
        )
    },
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,
        "weight_rule": "absolute",
        "execution_timeout": timedelta(hours=1),
    },
    tags=["entra", "sign_ins", "summary"],
)
def entra_daily_summary() -> None:
    """One task: is the day whole, and what is in it."""

    @task(multiple_outputs=False)
    def summarise() -> dict[str, Any]:
        """Sums the day up by app, if all of it is there."""
        from include.bi import daily_summary
        from include.entra_logs.airflow_side import bridge

        with bridge.lake_task() as (lake, _):
            day = bridge.day_of(get_current_context())
            known = daily_summary.days(lake, day)
            apps = {d.tenant_id: daily_summary.summarise(lake, d) for d in known if d.whole}
            if not apps:
                raise AirflowSkipException(
                    "; ".join(map(str, known)) or f"nothing of {day} is there"
                )
            return {"day": str(day), "apps": apps}

    summarise()


entra_daily_summary()
