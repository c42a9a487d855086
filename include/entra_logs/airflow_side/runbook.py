"""What an on-call engineer reads in the UI: the text of each DAG, from its declaration.

Standard library only: `dags/` uses it while it is parsed.
"""

from datetime import timedelta

from include.entra_logs.api import Schedule

_RUNBOOK = """\
{what}

Tasks: **authenticate** (may we read and write?) → **extract** (all pages of the window to `raw/`) →
**normalise** (pages to typed tables in `staging/`) → **load** (merge into `tables/{table}/`).

### When a run is red
The last line of the red task's log is one sentence that says what is wrong and what to do. Then
clear the task: doing it again never loses or doubles an event.

| red task | most often | do |
| --- | --- | --- |
| authenticate | secret or certificate expired; `{permission}`{licence} missing; connection, \
setting or lake wrong | mend what the sentence names, clear the task |
| authenticate | the window is not settled yet | clear the task after the time that it names; the \
scheduler makes no second run for that date. Less than an hour away, it is waited for |
| extract | Graph or the network failed five times | clear the task: it goes on where it was |
| normalise | a fault of ours, or raw was deleted | report it; nothing is lost, raw keeps all |
| load | a broken partition file, storage | do what the sentence says, clear the task |

Yellow (up for reschedule): Graph asked for a pause, or the window settles within the hour; the task
goes on by itself. Scheduled for ever:
a pool is missing or full; `make init` makes the pools.

### By hand
A logical date on an even hour means the two hours that start there, for every kind of run:

    airflow dags test {dag_id} 2026-11-22T00:00:00+00:00
    airflow backfill create --dag-id {dag_id} --from-date 2026-11-01 --to-date 2026-11-08 \
--reprocess-behavior completed --dag-run-conf '{{"source": "graph"}}'

`to-date` is inclusive, a paused DAG leaves the runs queued, and a conf sticks to its runs: say
`source` every time. `{{"source": "raw"}}` loads again what this DAG has read before, without Graph.
"""

_WHAT = {
    "main": "Brings **{title}** of each two hours from Microsoft Graph (`{path}`) to the lake, "
    "{settle} after the interval's end.",
    "sweep": "Reads **{title}** of each two hours once more, {settle} after the interval's end, "
    "and adds what came late (`{path}`). A no-op where the lake already holds so late a read.",
    "updates": "Reads the **{title}** whose `{field}` lies in each two hours, whenever they "
    "happened, and brings the table up to date (`{path}`).",
}


def summary(schedule: Schedule) -> str:
    """One line for the list of DAGs."""
    kind = {"main": "", "updates": ", what has changed"}.get(schedule.kind, ", late arrivals")
    return f"{schedule.api.title}{kind}: Microsoft Graph to Parquet, every two hours"


def display_name(schedule: Schedule) -> str:
    """What the UI calls the DAG, so that sweeps are told apart at a glance; its id stays."""
    title = f"Entra {schedule.api.title.lower()}"
    if schedule.is_sweep:
        return f"{title} · sweep after {spoken(schedule.settle)}"
    return title if schedule.kind == "main" else f"{title} · {schedule.kind}"


def runbook(schedule: Schedule) -> str:
    """What the DAG does and what to do when it is red, as Markdown."""
    api = schedule.api
    what = _WHAT["sweep" if schedule.is_sweep else schedule.kind].format(
        title=api.title, path=api.path, settle=spoken(schedule.settle), field=schedule.filter_by
    )
    return _RUNBOOK.format(
        what=what,
        table=api.name,
        dag_id=schedule.dag_id,
        permission=api.permission,
        licence=f" or licence {api.licence}" if api.licence else "",
    )


def spoken(delay: timedelta) -> str:
    """`delay` in words, in the largest unit that it reaches: `15 minutes`, `6 hours`, `3 days`."""
    for unit, name in ((timedelta(days=1), "days"), (timedelta(hours=1), "hours")):
        if delay >= unit:
            return f"{delay // unit} {name}"
    return f"{delay // timedelta(minutes=1)} minutes"
