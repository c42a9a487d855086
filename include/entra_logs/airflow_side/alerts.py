"""The task of `entra_lake_watch`: looks at the lake and at Airflow's runs, and tells what changed.

What was told is kept in an Airflow Variable, not in the lake, which may be what is out of reach. It
is written after the notifier has delivered: what was not delivered is told again by the next run.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Variable, get_current_context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.entra_logs.airflow_side import metrics
from include.entra_logs.airflow_side.bridge import airflow_errors
from include.entra_logs.airflow_side.connections import lake_of, source_of
from include.entra_logs.airflow_side.notifiers import deliver
from include.entra_logs.api import Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Refused
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.record_table import from_table
from include.entra_logs.proof.earlier import require_carried_over
from include.entra_logs.settings import Settings, load_settings
from include.entra_logs.source import Source
from include.entra_logs.watch.asking import Count, runs_of
from include.entra_logs.watch.cause import Cause, Kind, Topic
from include.entra_logs.watch.causes import causes
from include.entra_logs.watch.certificate import expiring
from include.entra_logs.watch.changes import Changes, changes, from_text, to_text
from include.entra_logs.watch.message import message
from include.entra_logs.watch.seen import see

log = logging.getLogger(__name__)

TOLD = "entra_lake_alerts_told"
"""The Airflow Variable that holds what was told and is not over."""


@dataclass(frozen=True)
class Look:
    """What one look found."""

    causes: tuple[Cause, ...]
    since: Mapping[str, datetime]
    """By API before when nothing is looked at."""


def watch() -> dict[str, Any]:
    """How many causes there are, and how many of them are new and over since the last notification.

    Called inside the task. Without ENTRA_ALERTS_CONN_ID they are in the log alone.
    """
    context = dict(get_current_context())
    with airflow_errors(context):
        settings = load_settings()
        told = _told() if settings.alerts_conn_id else ()
        try:
            with airflow_errors(context):
                found = look(settings, context["ti"])
        except AirflowException as error:
            if _is_final(error, context["ti"]):
                _tell(settings, told, changes(told, [*told, _blind(error)]), context)
            raise
        for cause in found.causes:
            log.warning("%s %s", cause.says, cause.remedy)
        changed = changes(told, found.causes, found.since)
        _tell(settings, told, changed, context)
        ended = len(changed.over) + len(changed.forgotten)
        return {"causes": len(found.causes), "new": len(changed.new), "over": ended}


def look(settings: Settings, ti: Any) -> Look:
    """All causes now; the freshness of each API is in Airflow's metrics."""
    now = datetime.now(UTC)
    source, lake = source_of(settings), lake_of(settings)
    require_carried_over(lake)
    read = {
        api.name: ledger.readable(lake, api.name, None, Window(now - settings.retention(api), now))
        for api in CATALOGUE.values()
    }
    records = {name: list(from_table(found.table)) for name, found in read.items()}
    tenant_id = _tenant(source, [record for found in records.values() for record in found])
    found = expiring(settings.graph_conn_id, source.credential_end, now)
    since = {}
    for api in CATALOGUE.values():
        seen = see(
            api,
            tenant_id,
            records[api.name],
            now,
            start=settings.start,
            horizon=settings.retention(api),
            broken=read[api.name].broken,
        )
        metrics.freshness(seen.fresh)
        found += causes(seen, runs_of(seen, _counter(ti)))
        since[api.name] = seen.since
    return Look(tuple(found), since)


def _tenant(source: Source, records: Sequence[LedgerRecord]) -> str:
    """The source's tenant; where it names none, the one that was read last, empty if none was."""
    if source.tenant_id:
        return source.tenant_id
    newest = max(records, key=lambda record: record.read_at, default=None)
    return newest.tenant_id if newest else ""


def _counter(ti: Any) -> Count:
    """How many runs there are, asked of Airflow by the way that tasks have."""

    def count(dag_id: str, dates: Sequence[datetime], states: Sequence[str]) -> int:
        found = ti.get_dr_count(
            dag_id=dag_id, logical_dates=list(dates) or None, states=list(states) or None
        )
        return int(found)

    return count


def _is_final(error: AirflowException, ti: Any) -> bool:
    """Whether the task fails for good with this error."""
    return isinstance(error, AirflowFailException) or ti.try_number > ti.max_tries


def _blind(error: AirflowException) -> Cause:
    """The cause that the watch itself is: `error` has one sentence, fit to be told."""
    return Cause(
        Topic(Kind.BLIND),
        says=f"The watch cannot see whether all is well: {error}",
        remedy="Until it can, nothing else is told. See the log of entra_lake_watch.",
    )


def _told() -> tuple[Cause, ...]:
    """What was told and is not over. Raises Refused if the Variable holds something else.

    Asked in two steps, as reading a Variable alone does not tell none from out of reach.
    """
    if TOLD not in Variable.keys(prefix=TOLD):
        return ()
    try:
        return from_text(Variable.get(TOLD))
    except ValueError:
        raise Refused(
            f"The Airflow Variable {TOLD} is not as the watch wrote it: delete it (Admin, "
            "Variables); what is not over is then told once more."
        ) from None


def _tell(
    settings: Settings, told: tuple[Cause, ...], changed: Changes, context: Mapping[str, Any]
) -> None:
    """What changed is delivered, and then kept as told; nothing, where alerts are not set up."""
    if settings.alerts_conn_id is None:
        return
    if changed.any:
        deliver(settings.alerts_conn_id, message(changed), context)
    if to_text(changed.told) != to_text(told):
        Variable.set(TOLD, to_text(changed.told), "Entra Lake: the alerts that are not over")
