"""What Airflow is asked about runs. It answers with counts, so which ones is found by halves.

A healthy system costs one question for each DAG.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from include.entra_logs.watch.seen import Runs, Seen

Count = Callable[[str, Sequence[datetime], Sequence[str]], int]
"""How many runs a DAG has with these logical dates and states; an empty sequence means any."""
RED = ("failed",)
UNDER_WAY = ("queued", "running")
AT_ONCE = 60
"""Dates in one question: they travel in the address of a request."""


def runs_of(seen: Seen, count: Count) -> Runs:
    """What Airflow knows of the runs of this API's DAGs that matters to its causes."""
    starts, overdue = seen.starts(), seen.overdue
    failed = {
        dag_id: _those(dag_id, starts, RED, count) if count(dag_id, (), RED) else frozenset()
        for dag_id in overdue
    }
    made = {dag_id: _those(dag_id, found, (), count) for dag_id, found in overdue.items()}
    under_way = {
        dag_id: _those(dag_id, sorted(found), UNDER_WAY, count) for dag_id, found in made.items()
    }
    return Runs(failed=failed, made=made, under_way=under_way)


def _those(
    dag_id: str, starts: Sequence[datetime], states: Sequence[str], count: Count
) -> frozenset[datetime]:
    """Those of `starts` that have a run in one of `states`."""
    chunks = [starts[n : n + AT_ONCE] for n in range(0, len(starts), AT_ONCE)]
    return frozenset(s for chunk in chunks for s in _narrowed(dag_id, chunk, states, count))


def _narrowed(
    dag_id: str, starts: Sequence[datetime], states: Sequence[str], count: Count
) -> Sequence[datetime]:
    """The same by halves; a DAG has at most one run for a logical date."""
    found = count(dag_id, starts, states)
    if found in (0, len(starts)):
        return starts if found else ()
    half = len(starts) // 2
    return [
        start
        for part in (starts[:half], starts[half:])
        for start in _narrowed(dag_id, part, states, count)
    ]
