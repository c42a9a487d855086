"""The four verbs of every run: authenticate, extract, normalise, load. Free of Airflow.

Each takes the run, what the verb before it returned, and the lake (and Graph, where it is asked).
What it returns is small: keys and counts, fit for XCom. The data itself passes through the lake, as
the tasks of one run may land on different workers: pages in `raw/`, tables in `staging/`.
"""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from include.entra_logs.api import Api, Schedule, Window, utc_text
from include.entra_logs.errors import LONGEST_WAIT, NotYet, PastRetention, Refused
from include.entra_logs.lake import Lake, raw, staging
from include.entra_logs.lake.raw import ReadManifest
from include.entra_logs.lake.waiting import Waiting, waiting
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.states import read_before, timely_before
from include.entra_logs.outcome import Loaded, LoadedRead
from include.entra_logs.proof.earlier import require_carried_over
from include.entra_logs.source import ReadSummary, Source

log = logging.getLogger(__name__)

STILL_GOOD = timedelta(hours=6)
"""A read that was not loaded is taken as it is while Graph was asked so recently."""
Handover = dict[str, Any]
"""What one task leaves for the next: strings, numbers and lists of strings."""


@dataclass(frozen=True)
class Run:
    """What one DAG run does."""

    schedule: Schedule
    window: Window
    source: str
    """`graph`, or `raw`: normalise and load again what this schedule has read before."""
    run_id: str
    attempt: int = 1
    patience: float = 0.0
    """Seconds that a task may wait in its place for the window to settle."""

    def __str__(self) -> str:
        return f"{self.schedule.dag_id} {self.window}"


def authenticate(run: Run, source: Source | None, lake: Lake, retention: timedelta) -> Handover:
    """Proof that the lake can be written and the window be read: the tenant, and Graph's clock.

    Without `source` (a run from raw) only the lake is tried. Raises Refused with the one thing to
    change, and for a window that is not settled by Graph's clock; NotYet if it is within the hour.
    """
    lake.check()
    require_carried_over(lake)
    if source is None:
        return {}
    patience = run.patience
    while True:
        access = source.authenticate(run.schedule.api, run.window, run.schedule.filter_by)
        asked_at = access.asked_at or datetime.now(UTC)
        if not 0 < (wait := _unsettled(run, asked_at)) <= patience:
            break
        log.info("%s: not settled yet, waiting %.0f s for it", run, wait)
        time.sleep(wait)
        patience -= wait
    if access.past_retention and not _past_retention(run, asked_at, retention):
        raise Refused(_too_old(run, retention))
    _refuse_unsettled(run, asked_at)
    return {"tenant_id": access.tenant_id, "asked_at": asked_at.isoformat()}


def _too_old(run: Run, retention: timedelta) -> str:
    return (
        f"Graph refuses the window {run.window} as too old, though it is younger than "
        f"{retention.days} days: set ENTRA_RETENTION_DAYS to what this tenant keeps (7 days "
        "without a premium licence, 30 with one)."
    )


def _past_retention(run: Run, asked_at: datetime, retention: timedelta) -> bool:
    """Whether Graph has begun to forget the window by then."""
    return run.window.start < asked_at - retention


def _unsettled(run: Run, asked_at: datetime) -> float:
    """Seconds until the window is settled, 0 or less once it is."""
    return (run.window.end + run.schedule.settle - asked_at).total_seconds()


def _refuse_unsettled(run: Run, asked_at: datetime) -> None:
    """Refused for a window that is not settled; NotYet where that is less than an hour away."""
    wait = _unsettled(run, asked_at)
    if wait <= 0:
        return
    message = (
        f"The window {run.window} is not settled: events of it still arrive. It can be read from "
        f"{utc_text(run.window.end + run.schedule.settle)} on; Graph's clock says "
        f"{utc_text(asked_at)}."
    )
    raise NotYet(message, wait) if wait <= LONGEST_WAIT else Refused(message)


def extract(
    run: Run, access: Handover, source: Source | None, lake: Lake, retention: timedelta
) -> Handover:
    """Every page of the window is in raw: the keys of the reads, and counts.

    From Graph that is one read, and what an earlier try of this run has read and not loaded; a
    sweep that the ledger already holds is none. From raw these are
    the complete reads that this schedule has made of the window before.
    """
    if source is None:
        found = raw.manifests(lake, run.schedule.api.name, None, run.window, run.schedule.kind)
        log.info("%s: %d complete reads are in raw", run, len(found))
        return {"replay": True, "reads": [manifest.key for manifest in found]}
    tenant_id = access["tenant_id"]
    own = _not_loaded(run, tenant_id, lake)
    if any(read.read_at > datetime.now(UTC) - STILL_GOOD for read in own):
        log.info("%s: read already, and not loaded yet: %s", run, [read.read_id for read in own])
        return {"replay": False, "reads": [read.manifest for read in own]}
    if not own and run.schedule.is_sweep and (earlier := _swept(run, tenant_id, lake)):
        log.info("%s: nothing to do, %s was read late enough", run, earlier)
        return {"replay": False, "reads": []}
    manifest = _read(run, tenant_id, source, lake, retention)
    return {
        "replay": False,
        "reads": list(dict.fromkeys([*(read.manifest for read in own), manifest.key])),
        "pages": manifest.summary.pages,
        "events": manifest.summary.events,
        "bytes": manifest.summary.bytes,
        "requests": manifest.summary.requests,
        "throttled": manifest.summary.throttled,
        "waited": manifest.summary.waited,
        "tenant_id": tenant_id,
    }


def _not_loaded(run: Run, tenant_id: str, lake: Lake) -> list[Waiting]:
    """The complete reads that this run has made of its window and that no load has recorded.

    An earlier try of the task published them and did not live to say so. Whether that is so the
    ledger tells, not Airflow, whose ids of runs come again.
    """
    found = [
        read
        for read, _ in waiting(lake, run.schedule.api.name, tenant_id)
        if (read.run_id, read.window, read.kind) == (run.run_id, run.window, run.schedule.kind)
        and lake.store.tag(read.manifest) is not None
    ]
    if not found:
        return []
    records = ledger.records(lake, run.schedule.api.name, tenant_id, run.window)
    recorded = {record.read_id for record in records}
    return sorted(
        (read for read in found if read.read_id not in recorded), key=lambda read: read.read_at
    )


def _swept(run: Run, tenant_id: str, lake: Lake) -> str | None:
    """The read that makes this sweep unnecessary: complete, of the whole window, as late.

    It was loaded as late too, by the worker's clock: what one answer says of the time silences no
    later read.
    """
    settled_at = run.window.end + run.schedule.settle
    records = ledger.records(lake, run.schedule.api.name, tenant_id, run.window)
    for record in records:
        same = record.filter_by == run.schedule.filter_by and not record.past_retention
        late_enough = min(record.read_at, record.loaded_at) >= settled_at
        if record.covers(run.window) and same and late_enough:
            return record.read_id
    return None


def _read(
    run: Run, tenant_id: str, source: Source, lake: Lake, retention: timedelta
) -> ReadManifest:
    """The read, complete and in raw. Whether it is past retention its own time of asking says."""
    schedule = run.schedule
    staged = staging.open_read(
        lake,
        schedule.api.name,
        tenant_id,
        run.window,
        kind=schedule.kind,
        filter_by=schedule.filter_by,
        run_id=run.run_id,
        attempt=run.attempt,
        now=datetime.now(UTC),
    )
    try:
        summary = source.read(schedule.api, run.window, schedule.filter_by, staged)
    except PastRetention as error:
        asked_at = error.asked_at or datetime.now(UTC)
        if not _past_retention(run, asked_at, retention):
            raise Refused(_too_old(run, retention)) from None
        log.warning("%s: Graph keeps this window no more; recorded as past retention", run)
        summary = ReadSummary(
            read_at=asked_at, pages=0, events=0, bytes=0, requests=1, throttled=0, waited=0
        )
    if _unsettled(run, summary.read_at) > 0:
        staged.save_slices([])  # what was read too early is not gone on with
    _refuse_unsettled(run, summary.read_at)
    past = _past_retention(run, summary.last_asked_at or summary.read_at, retention)
    return raw.publish(staged, summary, past_retention=past, settle=schedule.settle)


def normalise(run: Run, reads: Handover, lake: Lake) -> Handover:
    """The reads' events as typed tables in staging: the keys of the reads, and counts."""
    from include.entra_logs import loading  # noqa: PLC0415  1 s that the other tasks are spared

    events = rejects = 0
    for key in reads["reads"]:
        counts = loading.stage(lake, run.run_id, raw.manifest(lake, key), run.schedule.api.table)
        events += counts.distinct
        rejects += counts.rejects
    return {**reads, "distinct": events, "rejects": rejects}


def load(run: Run, tables: Handover, lake: Lake) -> Loaded:
    """What was loaded: the staged events are in the tables, each once, the reads in the ledger."""
    from include.entra_logs import loading  # noqa: PLC0415  as in normalise

    began = time.monotonic()
    reads = []
    for key in tables["reads"]:
        manifest = raw.manifest(lake, key)
        record = loading.load_read(
            lake, run.run_id, manifest, run.schedule.api.table, replay=tables["replay"]
        )
        reads.append(_loaded(lake, run.schedule.api, record))
    loaded = Loaded(
        run.schedule, run.window, tuple(reads), tables["replay"], time.monotonic() - began
    )
    log.info("%s", loaded)
    return loaded


def _loaded(lake: Lake, api: Api, record: LedgerRecord) -> LoadedRead:
    """The loaded read beside what the ledger held as read already."""
    span = Window(record.touched_start, record.touched_end)
    known = list(ledger.records(lake, api.name, record.tenant_id, span))
    return LoadedRead(
        record,
        frozenset(read_before(api, record, known)),
        frozenset(timely_before(api, record, known)),
    )
