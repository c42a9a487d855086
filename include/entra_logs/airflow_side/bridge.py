"""From an Airflow task to the pipeline and back: its run, its source and lake; errors to Airflow's.

`pipeline` knows nothing of Airflow.
"""

import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import gaierror
from ssl import SSLError
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
)

from include.entra_logs.airflow_side import metrics
from include.entra_logs.airflow_side.connections import lake_of, source_of
from include.entra_logs.api import PARTITION, Schedule, Window, is_partition_start, later
from include.entra_logs.errors import EntraLakeError, NotYet, Refused, Throttled
from include.entra_logs.lake import Lake
from include.entra_logs.lake.store import machine_error
from include.entra_logs.pipeline import Run
from include.entra_logs.settings import ROOT, Settings, load_settings
from include.entra_logs.source import Source
from include.entra_logs.table import EARLIEST

log = logging.getLogger(__name__)

PATIENCE = timedelta(hours=24)
"""How long a task gives its slot back again and again while Graph answers 429, then it fails."""

IN_PLACE = timedelta(minutes=2)
"""How long a run by hand waits for its window to settle."""


FIRST, LAST = EARLIEST, datetime(2100, 1, 1, tzinfo=UTC)
"""No window lies before or after these."""
WIDEST = timedelta(days=366)
"""A run asks about each two hours of its window: of some thousand, not of all millennia."""


_OF_NETWORK = (ConnectionError, TimeoutError, gaierror, SSLError)
"""What is an OSError for Python and no fault of a disk."""


@dataclass(frozen=True)
class TaskRun:
    """What a task hands to the pipeline."""

    run: Run
    lake: Lake
    source: Source | None
    """None where it is not asked: in `normalise` and `load`, and in all of a run from raw."""
    settings: Settings

    @property
    def retention(self) -> timedelta:
        """How long Graph keeps the events of the run's API."""
        return self.settings.retention(self.run.schedule.api)


@contextmanager
def task_run(schedule: Schedule, *, asks_source: bool = False) -> Iterator[TaskRun]:
    """The run of the task that this is called in, its lake, and with `asks_source` its source.

    What the body raises leaves as Airflow's own exception: Refused fails at once, Throttled gives
    the slot back for the wait that Graph asked for (NotYet the same, but in a run by hand, which
    fails), everything else is tried again.
    """
    context = dict(get_current_context())
    with airflow_errors(context), ExitStack() as opened:
        settings = load_settings()
        run = run_of(context, schedule)
        log.info("%s from %s, attempt %d", run, run.source, run.attempt)
        source = None
        if asks_source and run.source == "graph":
            source = opened.enter_context(source_of(settings))
        try:
            yield TaskRun(run, lake_of(settings), source, settings)
        except Throttled as error:
            metrics.pause(schedule.api.name, error.wait)
            raise


@contextmanager
def lake_task() -> Iterator[tuple[Lake, Settings]]:
    """Lake and settings of a task that has no window; errors leave as Airflow's."""
    with airflow_errors(dict(get_current_context())):
        settings = load_settings()
        yield lake_of(settings), settings


def run_of(context: Mapping[str, Any], schedule: Schedule) -> Run:
    """What the DAG run of this context does: the window of its params, else of its logical date.

    Raises Refused if it names no window.
    """
    params, dag_run = context["params"], context["dag_run"]
    window = _explicit_window(params) or _interval(dag_run)
    return Run(
        schedule=schedule,
        window=window,
        source=params.get("source") or "graph",
        run_id=dag_run.run_id,
        attempt=context["ti"].try_number,
        patience=IN_PLACE.total_seconds() if _by_hand(dag_run) else 0.0,
    )


def _by_hand(dag_run: Any) -> bool:
    """Whether somebody sits before it: no schedule, asset or backfill made this run."""
    return bool(dag_run.run_type == "manual")


def day_of(context: Mapping[str, Any]) -> Window:
    """The UTC day that the run of this context is about: of its param `day`, else its partition's.

    Raises Refused if it names none.
    """
    day, dag_run = context["params"].get("day"), context["dag_run"]
    start = _moment("day", day) if day else dag_run.partition_date
    if start is None:
        raise Refused(f"The run {dag_run.run_id} is about no day: trigger it with the param day.")
    return _window(start, later(start, timedelta(days=1)))


def _explicit_window(params: Mapping[str, Any]) -> Window | None:
    """The window of the params `start` and `end`; None without them."""
    start, end = params.get("start"), params.get("end")
    if not start and not end:
        return None
    if not (start and end):
        given, lacking = ("start", "end") if start else ("end", "start")
        raise Refused(f"Param {given} was given without {lacking}: give both, or none.")
    return _window(_moment("start", start), _moment("end", end))


def _moment(name: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            f"Param {name} was {text!r}; it may be an ISO time such as 2026-11-22T00:00:00Z."
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _interval(dag_run: Any) -> Window:
    """The window of a run without explicit one.

    A logical date on a boundary outranks the stored data interval: `airflow dags trigger
    --logical-date` stores the interval of its own now (seen with Airflow 3.3.2).
    """
    at = dag_run.logical_date
    if at and is_partition_start(at):
        return _window(at, later(at, PARTITION))
    if dag_run.data_interval_start:
        return _window(dag_run.data_interval_start, dag_run.data_interval_end)
    raise Refused(
        f"The run {dag_run.run_id} has no data interval and no params start and end: trigger it "
        "with a logical date (the start of the interval), or with both params."
    )


def _window(start: datetime, end: datetime) -> Window:
    """Refused, saying what may be, for a window that is none, or that no run could ever walk."""
    if not (FIRST <= start <= LAST and FIRST <= end <= LAST and end - start <= WIDEST):
        raise Refused(
            f"The window runs from {start.isoformat()} to {end.isoformat()}: it must lie between "
            f"{FIRST:%Y-%m-%d} and {LAST:%Y-%m-%d} and span at most {WIDEST.days} days; make "
            "several runs of a longer one."
        )
    try:
        return Window(start, end)
    except ValueError:
        raise Refused(
            f"The window must start before it ends, but runs from {start.isoformat()} to "
            f"{end.isoformat()}: correct start and end."
        ) from None


@contextmanager
def airflow_errors(context: Mapping[str, Any]) -> Iterator[None]:
    """Turn what the body raises into what makes Airflow do the right thing.

    What was raised is not chained: the text of a library's error may quote an event or a header.
    """
    try:
        yield
    except Refused as error:
        raise AirflowFailException(str(error)) from None
    except NotYet as error:
        if _by_hand(context["dag_run"]):
            raise AirflowFailException(str(error)) from None
        raise _reschedule(context, error, "check this machine's clock") from None
    except Throttled as error:
        remedy = "find out what else reads this tenant's logs"
        raise _reschedule(context, error, remedy) from None
    except EntraLakeError as error:
        raise AirflowException(str(error)) from None
    except (AirflowException, MemoryError):
        raise
    except OSError as error:
        if isinstance(error, _OF_NETWORK):
            raise AirflowException(_withheld(error)) from None
        _log_frames(error)
        raise _of_machine(error) from None
    except Exception as error:  # noqa: BLE001  a fault of ours: told without its text
        raise AirflowException(_withheld(error)) from None


def _reschedule(
    context: Mapping[str, Any], error: Throttled | NotYet, remedy: str
) -> AirflowException:
    """The exception that gives the slot back for `error.wait` seconds; past PATIENCE, a failure."""
    now = datetime.now(UTC)
    first = context["ti"].get_first_reschedule_date(context)
    if first and now - first > PATIENCE:
        return AirflowFailException(
            f"{error} This has gone on since {first:%Y-%m-%d %H:%M} UTC: {remedy}, then clear "
            "this task."
        )
    log.warning("%s The slot is given back for %.0f s.", error, error.wait)
    return AirflowRescheduleException(now + timedelta(seconds=error.wait))


def _of_machine(error: OSError) -> AirflowException:
    """For what a file or socket of this machine raised outside of the lake."""
    meant = machine_error(error)
    kind = AirflowFailException if isinstance(meant, Refused) else AirflowException
    return kind(str(meant))


def _log_frames(error: Exception) -> traceback.StackSummary:
    frames = traceback.extract_tb(error.__traceback__)
    for frame in frames:
        log.error("  at %s:%s in %s", frame.filename, frame.lineno, frame.name)
    return frames


def _withheld(error: Exception) -> str:
    """Where an unexpected error came from, without its text, which may quote an event."""
    frames = _log_frames(error)
    ours = [f for f in frames if f.filename.startswith(str(ROOT)) and ".venv" not in f.filename]
    at = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "unknown place"
    return (
        f"Unexpected {type(error).__name__} at {at}. Its text is withheld, as it may quote an "
        "event: look at the frames in this log, and report it if a second try does not mend it."
    )
