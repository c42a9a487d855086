"""What Airflow's database knows of the runs behind the intervals."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.models.dagrun import DagRun
from sqlalchemy import select

from include.entra_logs.api import PARTITION, Window
from include.entra_logs.watch.asking import RED, UNDER_WAY
from include.entra_logs.watch.seen import Runs, Seen


@dataclass(frozen=True)
class RunOfInterval:
    """A run of one of our DAGs for the interval that its logical date names."""

    dag_id: str
    start: datetime
    state: str
    """As Airflow says it: failed, queued, running, success."""
    run_id: str


def runs_in(
    session: Any, dag_ids: Collection[str], span: Window, states: Collection[str] = ()
) -> list[RunOfInterval]:
    """The runs of these DAGs for intervals in `span`; with `states` only those in one of them."""
    wanted = select(DagRun.dag_id, DagRun.logical_date, DagRun.state, DagRun.run_id).where(
        DagRun.dag_id.in_(dag_ids),
        DagRun.logical_date >= span.start,
        DagRun.logical_date < span.end,
    )
    if states:
        wanted = wanted.where(DagRun.state.in_(states))
    return [
        RunOfInterval(dag_id, at, str(state), run_id)
        for dag_id, at, state, run_id in session.execute(wanted)
    ]


def unfinished(session: Any, dag_ids: Collection[str], span: Window) -> list[RunOfInterval]:
    """The runs that have failed, wait or run."""
    return runs_in(session, dag_ids, span, (*RED, *UNDER_WAY))


def runs_of(session: Any, seen: Seen, found: Iterable[RunOfInterval]) -> Runs:
    """What matters to the causes of one API; `found` are its unfinished runs."""
    found = list(found)
    overdue = seen.overdue
    return Runs(
        failed={d: _starts(found, d, RED) for d in overdue},
        made={d: _made(session, d, starts) for d, starts in overdue.items()},
        under_way={d: _starts(found, d, UNDER_WAY) & frozenset(s) for d, s in overdue.items()},
    )


def _starts(
    found: Iterable[RunOfInterval], dag_id: str, states: Collection[str]
) -> frozenset[datetime]:
    return frozenset(run.start for run in found if run.dag_id == dag_id and run.state in states)


def _made(session: Any, dag_id: str, starts: Collection[datetime]) -> frozenset[datetime]:
    """Those of `starts` that have a run, in whatever state."""
    if not starts:
        return frozenset()
    span = Window(min(starts), max(starts) + PARTITION)
    made = {run.start for run in runs_in(session, [dag_id], span)}
    return frozenset(starts) & made
