"""A healthy month of one API as the ledger tells it, for tests to break."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from include.entra_logs.api import PARTITION, Api, Schedule
from include.entra_logs.ledger.record import LedgerRecord, PartitionCounts
from include.entra_logs.watch.seen import Seen, see

TENANT = "8f6f2f0a-4f4e-4d0e-9d67-3a7a3f1f0001"
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
"""ENTRA_START."""
NOW = datetime(2026, 11, 28, 12, 20, tzinfo=UTC)
DAYS = timedelta(days=30)
RUN = timedelta(minutes=2)
"""How long a run takes."""


def record(schedule: Schedule, start: datetime, **changed: Any) -> LedgerRecord:
    """What a run of the schedule for the interval at `start` records; fields changed by name."""
    read_at = start + PARTITION + schedule.settle
    known = (0, 0, 100) if schedule.is_sweep else (100,)
    if schedule.kind == "updates":
        known = (0, 1, 0)
    name = f"{read_at:%Y%m%dT%H%M%SZ}-{schedule.kind}-{start:%m%d%H%M}"
    fields: dict[str, Any] = {
        "record_id": name,
        "read_id": name,
        "api": schedule.api.name,
        "tenant_id": TENANT,
        "window_start": start,
        "window_end": start + PARTITION,
        "kind": schedule.kind,
        "read_kind": schedule.kind,
        "filter_by": schedule.filter_by,
        "run_id": "scheduled__1",
        "read_at": read_at,
        "loaded_at": read_at + RUN,
        "partitions": (PartitionCounts(start, *known),),
    }
    return LedgerRecord(**(fields | changed))


def healthy(api: Api, until: datetime = NOW) -> list[LedgerRecord]:
    """Every record that the API's DAGs have made by then, each run as soon as it was due."""
    starts = [FIRST + n * PARTITION for n in range((until - FIRST) // PARTITION)]
    made = [record(schedule, start) for schedule in api.schedules() for start in starts]
    return [each for each in made if each.loaded_at <= until]


def without(records: Iterable[LedgerRecord], *starts: datetime) -> list[LedgerRecord]:
    """The records, less those of the intervals at `starts`."""
    return [each for each in records if each.window_start not in starts]


def look(api: Api, records: Iterable[LedgerRecord], now: datetime = NOW) -> Seen:
    """What is seen of these records."""
    return see(api, TENANT, records, now, start=FIRST, horizon=DAYS)


def at(day: int, hour: int) -> datetime:
    """A moment of November 2026."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)
