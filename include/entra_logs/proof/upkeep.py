"""What is done to the lake once a day: leftovers, retention, roll-up of the ledger, and proof."""

import logging
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from include.entra_logs import loading
from include.entra_logs.api import Window
from include.entra_logs.catalogue import TABLES
from include.entra_logs.errors import Corrupt, Refused
from include.entra_logs.lake import Lake, layout, raw
from include.entra_logs.lake.store import Stored
from include.entra_logs.lake.waiting import waiting
from include.entra_logs.ledger import ledger
from include.entra_logs.proof.retention import remove_old_raw, remove_old_tables
from include.entra_logs.proof.verify import FORGOTTEN, Report, prove

log = logging.getLogger(__name__)

LEFTOVER = timedelta(days=7)
"""Staging that nobody has touched for so long belongs to a run that ended without a word."""
REST = timedelta(hours=6)
"""Staging of a finished run stays so long: a task of the run may just be done again."""
CYCLE = 90
"""Days in which the daily slices have proved the whole history once."""
SWEPT = timedelta(days=5)
"""Age of a day that its last sweep has read for sure."""
TOLD = 5
"""Differences that an error names; the log has all of them."""


def tidy(
    lake: Lake,
    raw_retention: timedelta | None,
    table_retention: timedelta | None,
    now: datetime | None = None,
) -> dict[str, int]:
    """Counts of what was loaded, removed or rolled up. A retention of None keeps everything.

    `now` is this machine's clock unless given. What fails is done by the next day's upkeep. Raises
    Corrupt, once all else is done, for a forgotten read that raw does not hold whole.
    """
    now = now or datetime.now(UTC)
    loaded, broken = load_forgotten(lake, now)
    counts = {
        "loaded": loaded,
        "staging": remove_leftovers(lake, now),
        "partitions": remove_old_tables(lake, table_retention, now) if table_retention else 0,
        "raw": remove_old_raw(lake, raw_retention, now) if raw_retention else 0,
        "records": ledger.roll_up(lake),
    }
    if broken:
        raise broken[0]
    return counts


def verify_slice(lake: Lake, now: datetime | None = None) -> dict[str, int]:
    """Counts of what was proved today: the newest day that all sweeps have read, and old days.

    Each day of history has its turn once in `CYCLE` days. Raises Refused, naming windows, where
    raw, tables and ledger differ. `now` is this machine's clock unless given.
    """
    now = now or datetime.now(UTC)
    newest = (now - SWEPT).date()

    def has_its_turn(day: Window) -> bool:
        age = (newest - day.start.date()).days
        return age >= 0 and age % CYCLE == 0

    report = prove(lake, TABLES, has_its_turn)
    if not report.ok:
        raise Refused(_told(report))
    return {"reads": report.reads, "partitions": report.partitions}


def _told(report: Report) -> str:
    """One sentence for a report with differences."""
    found = [str(difference) for difference in report.differences]
    more = f"; and {len(found) - TOLD} more" if len(found) > TOLD else ""
    return f"Raw, tables and ledger differ {len(found)} times: {'; '.join(found[:TOLD])}{more}."


def load_forgotten(lake: Lake, now: datetime) -> tuple[int, list[Corrupt]]:
    """How many complete reads were loaded that had waited for it longer than a run takes.

    And why others could not be: they wait on, and hold up no other.
    """
    loaded = 0
    broken = []
    for read, since in waiting(lake):
        if since > now - FORGOTTEN:
            continue
        records = ledger.records(lake, read.api, read.tenant_id, read.window)
        known = any(record.read_id == read.read_id for record in records)
        if read.api in TABLES and not known and lake.store.tag(read.manifest) is not None:
            try:
                found = raw.manifest(lake, read.manifest)
                loading.load_read(lake, read.run_id, found, TABLES[read.api], replay=False)
            except Corrupt as error:
                log.warning("%s", error)
                broken.append(error)
                continue
            loaded += 1
        lake.store.delete(read.key)
    return loaded, broken


def remove_leftovers(lake: Lake, now: datetime) -> int:
    """How many objects of staging, and of raw without a manifest, belonged to nobody any more."""
    folders: dict[str, list[Stored]] = defaultdict(list)
    for found in lake.store.list(layout.STAGING):
        if found.key != layout.LOCK and not found.key.startswith(f"{layout.WAITING}/"):
            folders[_folder(found.key)].append(found)
    done = {
        found.key.rpartition("/")[0]
        for objects in folders.values()
        for found in objects
        if found.key.endswith(f"/{layout.FINISHED}")
    }
    removed = 0
    for folder, objects in folders.items():
        finished = folder in done or folder.rpartition("/")[0] in done
        rest = REST if finished else LEFTOVER
        if max(found.modified for found in objects) < now - rest:
            lake.store.delete(found.key for found in objects)
            lake.store.delete_prefix(folder)  # what came meanwhile, and folders without content
            removed += len(objects)
    return removed + sum(_remove_orphans(lake, api, now) for api in TABLES)


def _folder(key: str) -> str:
    """The part of staging that is used, and removed, as one: an attempt, a run, a build."""
    depth = {layout.READS: 7, layout.NORMALISED: 5}
    parts = key.split("/")
    return "/".join(parts[: depth.get("/".join(parts[:2]), 3)])


def _remove_orphans(lake: Lake, api: str, now: datetime) -> int:
    """How many raw answers were removed that a crash had left without their manifest."""
    old, complete = [], set()
    for found in lake.store.list(layout.raw_prefix(api)):
        if found.key.endswith(layout.MANIFEST_SUFFIX):
            complete.add(found.key.removesuffix(layout.MANIFEST_SUFFIX))
        elif found.modified < now - LEFTOVER:
            old.append(found.key)
    gone = [key for key in old if key.removesuffix(layout.RAW_SUFFIX) not in complete]
    lake.store.delete(gone)
    return len(gone)
