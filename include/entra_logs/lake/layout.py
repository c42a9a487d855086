"""Every key of the lake in one place. A key is a path below the lake's URL, without a leading `/`.

    tables/<table>/tenant_id=<guid>/date=YYYY-MM-DD/hour=HH/events.parquet
    summaries/<summary>/tenant_id=<guid>/date=YYYY-MM-DD/summary.parquet
    raw/<api>/tenant_id=<guid>/date=YYYY-MM-DD/hour=HH/<read_id>.json.zst and .manifest.json
    ledger/reads/<table>/tenant_id=<guid>/month=YYYY-MM/…      see `ledger.ledger`
    ledger/removed/…                                           see `ledger.removals`
    ledger/broken/…                                            see `ledger.mending`
    staging/reads/<api>/<tenant>/<window>/<kind>/<attempt>/…   pages of reads under way
    staging/normalised/<api>/<tenant>/<run>/…                  files between normalise and load
    staging/waiting/<api>/<tenant>/<read_id>.json               reads that are not loaded yet
    staging/build/…                                            being built on this machine
    staging/publish.lock                                       held while a local file is replaced

Nothing but `tables/` and `summaries/` is meant for readers.
"""

import hashlib
import re
from datetime import UTC, datetime
from typing import NamedTuple, Self

from include.entra_logs.api import PARTITION, Window, is_partition_start, later, partition_start

TABLES = "tables"
SUMMARIES = "summaries"
RAW = "raw"
LEDGER = "ledger"
LEDGER_READS = f"{LEDGER}/reads"
LEDGER_REMOVED = f"{LEDGER}/removed"
STAGING = "staging"
READS = f"{STAGING}/reads"
NORMALISED = f"{STAGING}/normalised"
WAITING = f"{STAGING}/waiting"
SCRATCH = f"{STAGING}/build"
LOCK = f"{STAGING}/publish.lock"

TABLE_FILE = "events.parquet"
RAW_SUFFIX = ".json.zst"
MANIFEST_SUFFIX = ".manifest.json"
RECORD_SUFFIX = ".json"
REACHED_FROM = "reached-from-"
PLAN = "slices.json"
FINISHED = "finished.json"


def _safe(text: str) -> str:
    """`text` if it can be a part of a key, else what of it can, with a hash of it."""
    cleaned = re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:80].strip(".") or "_"
    if cleaned == text:
        return text
    return f"{cleaned}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _compact(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%Y%m%dT%H%M%S}" + (f".{at:%f}" if at.microsecond else "") + "Z"


def tenant_folder(tenant_id: str) -> str:
    """`tenant_id=<guid>`, as every key has it."""
    return f"tenant_id={_safe(tenant_id)}"


def tenant_of(folder: str) -> str:
    """The guid that `tenant_folder` was made of."""
    return folder.removeprefix("tenant_id=")


def _two_hours(at: datetime) -> str:
    start = partition_start(at)
    return f"date={start:%Y-%m-%d}/hour={start:%H}"


def table_prefix(table: str, tenant_id: str | None = None) -> str:
    """Where the partitions of a table lie, of one tenant or of all."""
    base = f"{TABLES}/{_safe(table)}"
    return base if tenant_id is None else f"{base}/{tenant_folder(tenant_id)}"


def table_file(table: str, tenant_id: str, partition: datetime) -> str:
    """The one file of the partition that `partition` lies in."""
    return f"{table_prefix(table, tenant_id)}/{_two_hours(partition)}/{TABLE_FILE}"


def table_partition(key: str) -> tuple[str, str, Window] | None:
    """(table, tenant, window) of a partition's file; None for any other key."""
    found = re.fullmatch(
        rf"{TABLES}/([^/]+)/tenant_id=([^/]+)/date=(\d{{4}}-\d\d-\d\d)/hour=(\d\d)/{TABLE_FILE}",
        key,
        re.ASCII,
    )
    if not found:
        return None
    start = two_hours(found[3], found[4])
    return (found[1], found[2], Window(start, later(start, PARTITION))) if start else None


def two_hours(date: str, hour: str) -> datetime | None:
    """The partition that folders of these names stand for; None if they are not ours."""
    try:
        start = datetime.fromisoformat(f"{date}T{hour}:00:00").replace(tzinfo=UTC)
    except ValueError:
        return None
    return start if is_partition_start(start) else None


def summary_file(summary: str, tenant_id: str, day: datetime) -> str:
    """What was summed up of one tenant's day."""
    day = day.astimezone(UTC)
    return f"{SUMMARIES}/{summary}/{tenant_folder(tenant_id)}/date={day:%Y-%m-%d}/summary.parquet"


def read_id(read_at: datetime, kind: str, token: str) -> str:
    """Name of a read: sorts by when Graph was asked; `token`, of its pages, tells two apart."""
    return f"{read_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{_safe(kind)}-{token}"


def raw_prefix(api: str, tenant_id: str | None = None, at: datetime | None = None) -> str:
    """Where raw reads lie: of an API, of one tenant, of windows that start in one partition."""
    parts = [RAW, _safe(api)]
    if tenant_id is not None:
        parts.append(tenant_folder(tenant_id))
        if at is not None:
            parts.append(_two_hours(at))
    return "/".join(parts)


def raw_file(api: str, tenant_id: str, window: Window, name: str) -> str:
    """The pages of the read called `name`, one zstd frame for each."""
    return f"{raw_prefix(api, tenant_id, window.start)}/{name}{RAW_SUFFIX}"


def raw_manifest(api: str, tenant_id: str, window: Window, name: str) -> str:
    """What makes the read called `name` complete; written last."""
    return f"{raw_prefix(api, tenant_id, window.start)}/{name}{MANIFEST_SUFFIX}"


def read_attempts(api: str, tenant_id: str, window: Window, kind: str) -> str:
    """Folder of all attempts at one read."""
    span = f"{_compact(window.start)}-{_compact(window.end)}"
    return f"{READS}/{_safe(api)}/{_safe(tenant_id)}/{span}/{_safe(kind)}"


def read_attempt(group: str, run_id: str, attempt: int, token: str) -> str:
    """Folder of one attempt; `token` keeps a zombie with the same number apart."""
    return f"{group}/{_safe(run_id)}.{attempt:03d}.{token}"


def page_file(attempt: str, slice_id: str, number: int) -> str:
    """One staged page."""
    return f"{attempt}/{_safe(slice_id)}/{number:06d}.page"


def waiting_reads(api: str | None = None, tenant_id: str | None = None) -> str:
    """Where it is said which reads wait to be loaded: all, of an api, or of an api and tenant."""
    parts = [WAITING, *(_safe(part) for part in (api, tenant_id) if part is not None)]
    return "/".join(parts)


def waiting_read(api: str, tenant_id: str, read_id: str) -> str:
    """What says that one read waits."""
    return f"{waiting_reads(api, tenant_id)}/{read_id}.json"


def normalised_prefix(api: str, tenant_id: str, run_id: str) -> str:
    """Where a run keeps what normalise made, until load has merged it."""
    return f"{NORMALISED}/{_safe(api)}/{_safe(tenant_id)}/{_safe(run_id)}"


def normalised_file(prefix: str, partition: datetime) -> str:
    """The staged file of one partition of a run."""
    return f"{prefix}/{_compact(partition)}.parquet"


def month(at: datetime) -> str:
    """`YYYY-MM` of `at` in UTC."""
    at = at.astimezone(UTC)
    return f"{at.year:04}-{at.month:02}"


class Shelf(NamedTuple):
    """The part of the ledger that has the records of one table, tenant and month."""

    table: str
    tenant: str
    """As a folder: `tenant_id=<guid>`."""
    month: str
    """YYYY-MM, that of the start of the records' windows."""

    @classmethod
    def of(cls, table: str, tenant_id: str, at: datetime) -> Self:
        """The shelf of a window that starts at `at`."""
        return cls(_safe(table), tenant_folder(tenant_id), month(at))

    @property
    def folder(self) -> str:
        """Where it lies."""
        return f"{LEDGER_READS}/{self.table}/{self.tenant}/month={self.month}"


def ledger_reads(table: str | None = None, tenant_id: str | None = None) -> str:
    """Where records lie: all, those of a table, or of a table and tenant."""
    parts = [LEDGER_READS]
    if table is not None:
        parts.append(_safe(table))
        if tenant_id is not None:
            parts.append(tenant_folder(tenant_id))
    return "/".join(parts)


def ledger_shelf(key: str) -> Shelf | None:
    """The shelf that a key lies on; None for any other key."""
    name = rf"{LEDGER_READS}/([^/]+)/(tenant_id=[^/]+)/month=(\d{{4}}-(?:0[1-9]|1[0-2]))/[^/]+"
    found = re.fullmatch(name, key, re.ASCII)
    return Shelf(*found.groups()) if found else None


def ledger_record(shelf: Shelf, record_id: str) -> str:
    """One record that is not rolled up yet."""
    return f"{shelf.folder}/{_safe(record_id)}{RECORD_SUFFIX}"


def ledger_month(shelf: Shelf) -> str:
    """The records of the shelf that are rolled up."""
    return f"{shelf.folder}/records.parquet"


def is_ledger_month(key: str) -> bool:
    """Whether this is a key of `ledger_month`."""
    shelf = ledger_shelf(key)
    return shelf is not None and key == ledger_month(shelf)


def ledger_broken(key: str) -> str:
    """Where what the ledger could not read at `key` is kept."""
    return f"{LEDGER}/broken/{key.removeprefix(f'{LEDGER}/')}"


def ledger_reached(shelf: Shelf, month: str) -> str:
    """What says that a record of `month` touches the shelf's month as well."""
    return f"{shelf.folder}/{REACHED_FROM}{month}"


def ledger_reached_from(key: str) -> str | None:
    """The month that a key of `ledger_reached` names; None for any other key."""
    name = key.rpartition("/")[2]
    found = re.fullmatch(rf"{REACHED_FROM}(\d{{4}}-\d\d)", name, re.ASCII)
    return found[1] if found else None


def ledger_removed(what: str, api: str, tenant_id: str) -> str:
    """Folder of the notes which say up to when `tables` or `raw` were removed for their age."""
    return f"{LEDGER_REMOVED}/{_safe(what)}/{_safe(api)}/{tenant_folder(tenant_id)}"
