"""The assets of Airflow that `load` updates, so that other DAGs start on data, not on a clock.

A table has two. `entra-lake://tables/<table>` says of an interval that it is there: a run has read
it whole, as the first one. `entra-lake://changes/<table>` says of an interval that it is not what
it was: late events, updates, replays. An asset event is about one interval; its partition key is
the interval's start, in the form that Airflow's partition mappers take by default. A load that
changed nothing says nothing.
"""

from typing import TYPE_CHECKING

from airflow.sdk import Asset, get_current_context

from include.entra_logs.api import Schedule, utc_text

if TYPE_CHECKING:
    from include.entra_logs.outcome import Loaded

PARTITION_KEY = "%Y-%m-%dT%H:%M:%S"
"""The start of an interval in UTC, as `airflow.sdk.StartOfDayMapper` and the like expect it."""


def table(name: str) -> Asset:
    """Updated for each interval that was read whole for the first time."""
    return Asset(f"entra-lake://tables/{name}")


def changes(name: str) -> Asset:
    """Updated for each interval in which any other load has added or changed an event."""
    return Asset(f"entra-lake://changes/{name}")


def outlets(schedule: Schedule) -> list[Asset]:
    """The assets that a run of this schedule may update."""
    name = schedule.api.name
    whole = schedule.filter_by == schedule.api.table.event_time
    return [table(name), changes(name)] if whole else [changes(name)]


def emit(loaded: "Loaded") -> None:
    """Let Airflow record an event for each interval that the load is about, when the task succeeds.

    The extra holds counts of the whole load. An asset without an event is taken off the running
    task's outlets, as Airflow would record one without partition otherwise.
    """
    context = get_current_context()
    name = loaded.schedule.api.name
    news = {table(name): loaded.first_whole, changes(name): loaded.altered - loaded.first_whole}
    for asset, starts in news.items():
        if starts:
            event = context["outlet_events"][asset]
            event.extra.update(extra(loaded))
            event.add_partitions([f"{start:{PARTITION_KEY}}" for start in sorted(starts)])
    context["ti"].task.outlets = [asset for asset, starts in news.items() if starts]


def extra(loaded: "Loaded") -> dict[str, str | int | list[str]]:
    """What an asset event says: whose events, of which window, and how many."""
    return {
        "tenant_ids": loaded.tenant_ids,
        "kind": loaded.kind,
        "window_start": utc_text(loaded.window.start),
        "window_end": utc_text(loaded.window.end),
        "rows": loaded.rows,
        "added": loaded.added,
        "changed": loaded.changed,
        "late": loaded.late,
    }
