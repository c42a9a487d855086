"""All that needs attention about one API: a pure function of what was seen."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from include.entra_logs.api import PARTITION, Schedule, Window
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.states import State
from include.entra_logs.source import BELIEVED
from include.entra_logs.watch.cause import Cause, Kind, Topic, joined
from include.entra_logs.watch.remedy import backfill
from include.entra_logs.watch.seen import Runs, Seen, Starts

_LACKS = {
    "main": "is missing from the lake",
    "sweep": "was not read again for what came late",
    "updates": "was not searched for changes",
}


def causes(seen: Seen, runs: Runs | None = None) -> list[Cause]:
    """Every cause of this API and tenant, neighbouring intervals in one; empty if all is well.

    Without `runs`, what Airflow knows is left out: failed runs, and why an interval is missing.
    """
    known = runs or Runs()
    return [
        *_broken(seen),
        *_behind(seen, runs),
        *(cause for s in seen.api.schedules() for cause in _missing(seen, s, runs)),
        *(cause for s in seen.api.schedules() for cause in _failed(seen, s, known)),
        *_disputed(seen),
        *_rejects(seen),
        *_conflicts(seen),
        *_surprises(seen),
        *_clock(seen),
    ]


def _broken(seen: Seen) -> Iterator[Cause]:
    found: dict[str, list[str]] = {}
    for month, why in sorted(seen.broken.items()):
        found.setdefault(why, []).append(month)
    for why, months in found.items():
        yield Cause(
            _topic(seen, Kind.BROKEN, months[0]),
            says=f"{seen.api.title}: {why}",
            remedy=f"Until then nothing else is told of {' and '.join(months)}.",
        )


def _behind(seen: Seen, runs: Runs | None) -> Iterator[Cause]:
    if not seen.behind or seen.span is None:
        return
    main = seen.api.schedules()[0]
    reached = seen.fresh.reached
    newest = (
        f"the newest interval in the lake ended {reached:%Y-%m-%d %H:%M} UTC"
        if reached
        else f"no interval since {seen.span.start:%Y-%m-%d %H:%M} UTC is in the lake"
    )
    why, remedy = _held_up(seen, main, runs)
    yield Cause(
        _topic(seen, Kind.BEHIND),
        says=f"{seen.api.title}: {newest}; the target is {_hours(seen.api.freshness)}.{why}",
        remedy=remedy,
    )


def _held_up(seen: Seen, main: Schedule, runs: Runs | None) -> tuple[str, str]:
    """What holds the main DAG up, as far as Airflow knows, and what to do about it."""
    dag_id = main.dag_id
    tail = frozenset(s for s in seen.overdue[dag_id] if seen.is_tail(s))
    look = f"Look at the runs of {dag_id}: what is red says why in the last line of its log."
    if runs is None or not tail:
        return "", look
    if failed := tail & _of(runs.failed, dag_id):
        return f" Runs of {dag_id} failed, the first for {min(failed):%Y-%m-%d %H:%M} UTC.", look
    waiting = tail & _of(runs.made, dag_id)
    if not waiting:
        unpause = (
            f"Do `airflow dags unpause {dag_id}`; if it is not paused, see that scheduler and "
            "dag-processor run and know ENTRA_START."
        )
        return f" Airflow has made no run of {dag_id} since.", unpause
    pool = main.api.workload.pool
    slot = f"See that workers run and that the pool {pool} exists and has a free slot."
    return f" The run of {dag_id} for {min(waiting):%Y-%m-%d %H:%M} UTC is not done.", slot


def _missing(seen: Seen, schedule: Schedule, runs: Runs | None) -> Iterator[Cause]:
    """What the schedule should have done long ago; what `_behind` and `_failed` tell is not told.

    An interval whose run waits or runs is none to begin with.
    """
    dag_id = schedule.dag_id
    main = schedule.kind == "main"
    due = seen.overdue[dag_id]
    starts = frozenset(s for s in due if not (main and seen.is_tail(s)))
    if runs is None:
        yield from _absent(seen, schedule, starts, "")
        return
    starts -= _of(runs.failed, dag_id)
    waiting, made = starts & _of(runs.under_way, dag_id), starts & _of(runs.made, dag_id)
    yield from _absent(seen, schedule, waiting, ": its run waits or runs", under_way=True)
    yield from _absent(
        seen, schedule, made - waiting, f", though {dag_id} has a run for it that is not red"
    )
    never = (
        f": Airflow never made a run of {dag_id} for it, so the DAG was paused, unknown to the "
        "scheduler, or begins later"
    )
    yield from _absent(seen, schedule, starts - made, never)


def _absent(
    seen: Seen,
    schedule: Schedule,
    starts: frozenset[datetime],
    why: str,
    *,
    under_way: bool = False,
) -> Iterator[Cause]:
    lacks = _LACKS["sweep" if schedule.is_sweep else schedule.kind]
    for window in _windows(starts):
        yield Cause(
            _topic(seen, Kind.MISSING, schedule.dag_id),
            window,
            f"{seen.api.title}: {window} {lacks}{why}.",
            f"Do `{backfill(schedule.dag_id, window)}`.",
            under_way,
        )


def _failed(seen: Seen, schedule: Schedule, runs: Runs) -> Iterator[Cause]:
    dag_id = schedule.dag_id
    for window in _windows(_of(runs.failed, dag_id)):
        yield Cause(
            _topic(seen, Kind.FAILED, dag_id),
            window,
            f"{seen.api.title}: the run of {dag_id} for {window} failed.",
            "Mend what the last line of the red task's log names and clear the task, or do "
            f"`{backfill(dag_id, window)}`.",
        )


def _disputed(seen: Seen) -> Iterator[Cause]:
    dag_id = seen.api.schedules()[0].dag_id
    starts = {i.interval.start for i in seen.intervals if i.state is State.DISPUTED}
    for window in _windows(starts):
        yield Cause(
            _topic(seen, Kind.DISPUTED),
            window,
            f"{seen.api.title}: two reads of {window} disagree, so Graph left events out of one of "
            "them; the lake has all that any read brought.",
            f"Let a later read decide: `{backfill(dag_id, window)}`.",
        )


def _rejects(seen: Seen) -> Iterator[Cause]:
    found = [record for record in _latest(seen.records) if record.rejects]
    for window in joined([record.window for record in found]):
        inside = [r for r in found if window.start <= r.window_start < window.end]
        dag_ids = sorted({s.dag_id for s in seen.api.schedules() for r in inside if _by(s, r)})
        commands = " and ".join(f"`{backfill(dag_id, window, 'raw')}`" for dag_id in dag_ids)
        yield Cause(
            _topic(seen, Kind.REJECTS),
            window,
            f"{seen.api.title}: rows without a usable id or event time in what Graph sent for "
            f"{window}: {sum(r.rejects for r in inside)}. They are in raw, and in no table.",
            f"Report it; with a version that reads them, do {commands}.",
        )


def _conflicts(seen: Seen) -> Iterator[Cause]:
    found = [record for record in _latest(seen.records) if record.conflicts]
    for window in joined([record.window for record in found]):
        inside = [r for r in found if window.start <= r.window_start < window.end]
        dag_ids = sorted({s.dag_id for s in seen.api.schedules() for r in inside if _by(s, r)})
        commands = " and ".join(f"`{backfill(dag_id, window)}`" for dag_id in dag_ids)
        yield Cause(
            _topic(seen, Kind.CONFLICTS),
            window,
            f"{seen.api.title}: one read of {window} brought events more than once with other "
            f"content: {sum(r.conflicts for r in inside)}. They changed while they were read, or "
            "Graph contradicts itself; the table has the newest of each, raw has all.",
            f"Let a later read decide: {commands}. If it says so again, report it.",
        )


def _surprises(seen: Seen) -> Iterator[Cause]:
    counts: Counter[str] = Counter()
    for record in _latest(seen.records):
        counts.update({n: events for n, events in record.surprises.items() if not _is_null(n)})
    for name, events in sorted(counts.items()):
        yield Cause(
            _topic(seen, Kind.SURPRISE, name),
            says=f"{seen.api.title}: {name} has no column, or does not fit it. Events with it: "
            f"{events}; nothing is lost, `_extra` has it.",
            remedy="To give it a column, take Graph's newer metadata in: "
            f"`python -m include.entra_logs.metadata.take --version {seen.api.table.version} "
            "--from FILE`, then `python -m include.entra_logs upgrade`.",
        )


def _clock(seen: Seen) -> Iterator[Cause]:
    newest = max(seen.records, key=lambda r: r.loaded_at, default=None)
    if newest is None or abs(newest.skew) <= BELIEVED.total_seconds():
        return
    minutes = abs(newest.skew) / 60
    yield Cause(
        _topic(seen, Kind.CLOCK),
        says=f"{seen.api.title}: Graph's clock is {minutes:,.0f} minutes "
        f"{'ahead of' if newest.skew > 0 else 'behind'} the worker's, so the worker's was taken.",
        remedy="See that the workers' clocks are right (NTP), and that no proxy rewrites the Date "
        "header; the next read whose clocks agree ends this.",
    )


def _is_null(surprise: str) -> bool:
    """Whether it is of a property that Graph sent without a value, so that nothing is left out.

    Real tenants have some always, as `initiatedBy.user.userType`.
    """
    return surprise.endswith(": null")


def _latest(records: Iterable[LedgerRecord]) -> list[LedgerRecord]:
    """Of reads of the same window by the same time, only what the last load of the last one said.

    So a later read, or a load from raw by a version that knows better, ends what an earlier told.
    None where no record tells of anything.
    """
    records = list(records)
    if not any(record.rejects or record.conflicts or record.surprises for record in records):
        return []
    found: dict[tuple[Window, str], LedgerRecord] = {}
    for record in sorted(records, key=lambda r: (r.read_at, r.loaded_at)):
        found[record.window, record.filter_by] = record
    return list(found.values())


def _by(schedule: Schedule, record: LedgerRecord) -> bool:
    return schedule.kind == record.read_kind


def _topic(seen: Seen, kind: Kind, name: str = "") -> Topic:
    return Topic(kind, seen.api.name, seen.tenant_id, name)


def _of(starts: Starts, dag_id: str) -> frozenset[datetime]:
    return starts.get(dag_id, frozenset())


def _windows(starts: Iterable[datetime]) -> list[Window]:
    return joined([Window(start, start + PARTITION) for start in starts])


def _hours(target: timedelta) -> str:
    return f"{target / timedelta(hours=1):g} hours"
