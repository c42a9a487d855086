"""What Airflow's own metrics carry of us: `entra_lake.<api>.<what>`, to StatsD or OpenTelemetry.

The name has the API, as plain StatsD has no tags; backends with tags get `api` and `tenant` too.
Where Airflow's metrics are off, nothing is sent. Names and units: `docs/metrics.md`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.observability import stats

if TYPE_CHECKING:
    from include.entra_logs.ledger.freshness import Freshness
    from include.entra_logs.outcome import Loaded


def read(api: str, reads: Mapping[str, Any]) -> None:
    """Send what `extract` says of its read of Graph; nothing where Graph was not asked."""
    if "requests" not in reads:
        return
    counts = {what: reads[what] for what in ("requests", "pages", "events", "bytes")}
    counts["throttles"] = reads["throttled"]
    counts["wait_ms"] = round(1000 * reads["waited"])
    _count(api, _tags(api, reads["tenant_id"]), counts)


def pause(api: str, seconds: float) -> None:
    """Send that Graph asked for a pause so long that the task gave its slot back."""
    counts = {"pauses": 1, "pause_ms": round(1000 * seconds)}
    _count(api, {"api": api}, counts)


def loaded(done: "Loaded") -> None:
    """Send what a load did to the table; of a replay only that it was one; nothing of a no-op.

    The events of a replay were counted when they were read.
    """
    api = done.schedule.api.name
    for tenant_id in done.tenant_ids:
        counts = {"added": done.added, "changed": done.changed, "late": done.late}
        if done.replay:
            counts = {"replays": sum(r.record.tenant_id == tenant_id for r in done.reads)}
        _count(api, _tags(api, tenant_id), counts)


def freshness(found: "Freshness") -> None:
    """Send how old the newest interval in the lake is, in seconds; nothing if there is none."""
    if found.age is not None:
        stats.gauge(
            f"entra_lake.{found.api}.freshness",
            found.age.total_seconds(),
            tags=_tags(found.api, found.tenant_id),
        )


def _count(api: str, tags: dict[str, Any], counts: Mapping[str, int]) -> None:
    for what, number in counts.items():
        stats.incr(f"entra_lake.{api}.{what}", number, tags=tags)


def _tags(api: str, tenant_id: str) -> dict[str, Any]:
    return {"api": api, "tenant": tenant_id}
