"""What the page shows, as JSON: pure functions of records, runs and the time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from include.entra_logs.api import Api, Window, utc_text
from include.entra_logs.lake import layout
from include.entra_logs.lake.layout import Shelf
from include.entra_logs.ledger.freshness import Freshness, expected
from include.entra_logs.ledger.holdings import Lowered
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.states import IntervalState, State, interval_state, lateness
from include.entra_logs.outcome import LEFT_OUT
from include.entra_logs.watch.asking import RED
from include.entra_logs.watch.cause import Cause
from include.entra_logs.watch.remedy import backfill
from include.entra_logs.watch.seen import Seen
from include.lake_page.known import Known
from include.lake_page.runs import RunOfInterval

JSON = dict[str, Any]
NOT_EXPECTED = "none"
"""The cell of an interval that nothing was to read: before ENTRA_START, or not due for long."""
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Shown:
    """All that is shown of one API and tenant."""

    known: Known
    unfinished: Sequence[RunOfInterval]
    """Runs of its DAGs for the intervals that are shown that have failed, wait or run."""
    expected: Window | None
    """The intervals that should be there; the newest are given the time of the freshness target."""
    unknown: frozenset[str] = frozenset()
    """Months, `YYYY-MM`, of which the ledger is not wholly known."""


def show(
    known: Known,
    unfinished: Iterable[RunOfInterval],
    now: datetime,
    start: datetime | None,
    broken: Iterable[Shelf] = (),
) -> Shown:
    """What is shown; `start` is ENTRA_START, `unfinished` may hold runs of other APIs.

    `broken` are the shelves of the ledger that cannot be read.
    """
    place = (known.api.name, layout.tenant_folder(known.tenant_id))
    api = known.api
    dag_ids = {schedule.dag_id for schedule in api.schedules()}
    return Shown(
        known=known,
        unfinished=[run for run in unfinished if run.dag_id in dag_ids],
        expected=expected(api, start, known.records, now - api.freshness + api.settle),
        unknown=frozenset(s.month for s in broken if (s.table, s.tenant) == place),
    )


def calendar(shown: Shown) -> JSON:
    """One cell for each interval, ascending: state, events, late ones, and the run's state."""
    runs = _worst(shown.unfinished)
    told = lateness(shown.known.intervals)
    cells = [_cell(shown, interval, runs) for interval in shown.known.intervals]
    return {
        "name": shown.known.api.name,
        "title": shown.known.api.title,
        "cells": cells,
        "lateness": dict(zip(("late", "events", "intervals"), told, strict=True)),
    }


def _cell(shown: Shown, interval: IntervalState, runs: Mapping[datetime, str]) -> list[Any]:
    start = interval.interval.start
    awaited = shown.expected is not None and start in shown.expected
    missing = interval.state is State.MISSING
    unknown = layout.month(start) in shown.unknown
    state = NOT_EXPECTED if missing and (unknown or not awaited) else interval.state.value
    return [state, interval.events, interval.late, runs.get(start, "")]


def _worst(unfinished: Iterable[RunOfInterval]) -> dict[datetime, str]:
    """For each interval the state of its run; failed before running before queued."""
    order = ("queued", "running", *RED)
    return {run.start: run.state for run in sorted(unfinished, key=lambda r: order.index(r.state))}


def status(seen: Seen, found: Iterable[Cause]) -> JSON:
    """How the API is right now: freshness, requests of the last day, what needs attention."""
    last_day = [r for r in seen.records if r.read_at > seen.now - A_DAY and r.kind != "replay"]
    budget = seen.api.workload.budget
    requests = sum(r.requests for r in last_day)
    return {
        "name": seen.api.name,
        "freshness": _freshness(seen.fresh) | {"behind": seen.behind},
        "budget": {
            "requests": requests,
            "share": requests * budget.seconds / budget.requests / A_DAY.total_seconds(),
            "throttled": sum(r.throttled for r in last_day),
            "waited_seconds": sum(r.waited for r in last_day),
            "allowed": f"{budget.requests} in {budget.seconds:g} s",
        },
        "causes": [_cause(cause) for cause in found],
    }


def _freshness(found: Freshness) -> JSON:
    return {
        "reached": found.reached and utc_text(found.reached),
        "age_seconds": None if found.age is None else found.age.total_seconds(),
        "target_seconds": found.target.total_seconds(),
    }


def _cause(cause: Cause) -> JSON:
    return {
        "kind": cause.topic.kind.name.lower(),
        "title": cause.title,
        "says": cause.says,
        "remedy": cause.remedy,
        "start": cause.window and utc_text(cause.window.start),
        "under_way": cause.under_way,
    }


def details(
    api: Api,
    tenant_id: str,
    window: Window,
    records: Iterable[LedgerRecord],
    runs: Iterable[RunOfInterval],
    lowered: Sequence[Lowered] = (),
) -> JSON:
    """Everything about one interval: its reads, its runs, and what mends it."""
    ours = sorted(records, key=lambda r: (r.read_at, r.loaded_at))
    found = interval_state(api, tenant_id, window, tuple(ours), lowered)
    main = api.schedules()[0].dag_id
    return {
        "state": found.state.value,
        "start": utc_text(window.start),
        "end": utc_text(window.end),
        "events": found.events,
        "late": found.late,
        "disagreements": found.disagreements,
        "outstanding": list(found.outstanding),
        "reads": [_read(api, record, window.start) for record in ours],
        "runs": [{"dag_id": run.dag_id, "run_id": run.run_id, "state": run.state} for run in runs],
        "commands": {
            "graph": backfill(main, window),
            "raw": backfill(main, window, "raw"),
        },
    }


def _read(api: Api, record: LedgerRecord, start: datetime) -> JSON:
    """One read, with what it did to the interval that starts at `start`."""
    counts = record.at(start)
    return {
        "kind": record.kind,
        "of_changes": record.filter_by != api.table.event_time,
        "read_at": utc_text(record.read_at),
        "window": str(record.window),
        "pages": record.pages,
        "bytes": record.bytes,
        "rows": counts.brought,
        "events": record.events,
        "distinct": record.distinct,
        "left_out": {name: getattr(record, name) for name in LEFT_OUT},
        "added": counts.added,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "lacked": counts.lacked,
        "surprises": dict(record.surprises),
        "past_retention": record.past_retention,
        "dag_id": next((s.dag_id for s in api.schedules() if s.kind == record.read_kind), None),
        "run_id": record.run_id,
    }
