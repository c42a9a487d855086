"""Three years of ten tables in the ledger, as the lake page meets them; no events, no files.

Every run of every schedule has left its record. Those of the last day are loose, the others rolled
up, as they are right before upkeep.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

import msgspec

from include.entra_logs.api import PARTITION, Api, Schedule, Window, partition_start
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.catalogue.sign_ins import SIGN_INS
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import Lateness, LedgerRecord, PartitionCounts

TABLES = 10
APIS: dict[str, Api] = CATALOGUE | {
    name: replace(SIGN_INS, table=replace(SIGN_INS.table, name=name))
    for name in (f"table_{number}" for number in range(len(CATALOGUE), TABLES))
}
TENANT = "11111111-2222-3333-4444-555555555555"
RUN = timedelta(minutes=2)
"""How long after a run is due it has read."""


def first(now: datetime) -> datetime:
    """The start of the ledger: three years before `now`."""
    return partition_start(now - 3 * timedelta(days=365))


def make_ledger(lake: Lake, now: datetime) -> int:
    """Fill the ledger up to `now`; how many records it has."""
    made = 0
    starts = Window(first(now), now).partitions()
    for _, each in groupby(starts, layout.month):
        found = [r for start in each for r in records_of(start) if r.read_at <= now]
        loose = [r for r in found if r.read_at > now - timedelta(days=1)]
        rolled_up = [r for r in found if r.read_at <= now - timedelta(days=1)]
        if rolled_up:
            ledger.keep(lake, rolled_up)
        for record in loose:
            ledger.append(lake, record)
        made += len(found)
    return made


def records_of(start: datetime) -> Iterator[LedgerRecord]:
    """What all schedules of all tables leave of the interval that starts at `start`."""
    for api in APIS.values():
        for schedule in api.schedules():
            yield record(schedule, start, start + PARTITION + schedule.settle + RUN)


def record(schedule: Schedule, start: datetime, read_at: datetime) -> LedgerRecord:
    """The record of one healthy read: a main run brings events, the others a few late ones."""
    draw = random.Random(f"{schedule.dag_id} {read_at}")
    name = layout.read_id(read_at, schedule.kind, f"{draw.getrandbits(32):08x}")
    events = draw.randrange(200, 2000)
    is_main = schedule.kind == "main"
    added = events if is_main else draw.randrange(3)
    return LedgerRecord(
        record_id=name,
        read_id=name,
        api=schedule.api.name,
        tenant_id=TENANT,
        window_start=start,
        window_end=start + PARTITION,
        kind=schedule.kind,
        read_kind=schedule.kind,
        filter_by=schedule.filter_by,
        run_id=f"scheduled__{start + PARTITION + schedule.settle:%Y-%m-%dT%H:%M:%S+00:00}",
        read_at=read_at,
        loaded_at=read_at + timedelta(seconds=20),
        settle=schedule.settle.total_seconds(),
        requests=3,
        pages=2,
        bytes=events * 1800,
        events=events,
        distinct=events,
        first_event=start + timedelta(seconds=draw.random() * 60),
        last_event=start + PARTITION - timedelta(seconds=draw.random() * 60),
        id_checksum=f"{draw.getrandbits(128):032x}",
        partitions=(PartitionCounts(start, added, unchanged=events - added),),
        lateness=Lateness(within_2h=added) if is_main else Lateness(within_6h=added),
    )


def read_again(lake: Lake, now: datetime, hours_ago: int) -> None:
    """One more read of one interval reaches the ledger, as a run just now leaves it."""
    schedule = APIS["sign_ins"].schedules()[0]
    start = partition_start(now - timedelta(hours=hours_ago))
    again = record(schedule, start, datetime.now(UTC))
    counts = PartitionCounts(start, unchanged=again.events)
    changed = msgspec.structs.replace(again, partitions=(counts,), lateness=Lateness())
    ledger.append(lake, changed)
