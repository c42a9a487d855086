"""What Airflow's own metrics carry of us: `entra_lake.<api>.<what>`, to StatsD or OpenTelemetry.

The name has the API, as plain StatsD has no tags; backends with tags get `api` and `tenant` too.
Where Airflow's metrics are off, nothing is sent. Names and units: `docs/metrics.md`.
"""

from airflow.sdk.observability import stats

from include.entra_logs.lake.freshness import Freshness


def freshness(found: Freshness) -> None:
    """Send how old the newest interval in the lake is, in seconds; nothing if there is none."""
    if found.age is not None:
        stats.gauge(
            f"entra_lake.{found.api}.freshness",
            found.age.total_seconds(),
            tags={"api": found.api, "tenant": found.tenant_id},
        )
