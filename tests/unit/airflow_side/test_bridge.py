"""Between Airflow and the pipeline: which window a run means, connections, errors."""

import errno
import json
import logging
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
)

from include.entra_logs.airflow_side import bridge, connections
from include.entra_logs.api import Window
from include.entra_logs.catalogue.sign_ins import SIGN_INS
from include.entra_logs.errors import Corrupt, NotYet, PastRetention, Refused, Throttled, Transient
from include.entra_logs.settings import Settings

(MAIN, *_) = SIGN_INS.schedules()
SECRET = "s3cret-of-the-app"
EVENT = "alice@contoso.example"


def moment(text: str | None) -> datetime | None:
    """`text` as an aware moment; None stays None."""
    return None if text is None else datetime.fromisoformat(text)


def context(
    logical: str | None = None,
    interval: tuple[str, str] | None = None,
    first_wait: datetime | None = None,
    run_type: str = "manual",
    **params: Any,
) -> dict[str, Any]:
    """As much of a task's context as the bridge looks at."""
    start, end = interval or (None, None)
    return {
        "params": {"source": "graph", "start": None, "end": None} | params,
        "dag_run": SimpleNamespace(
            run_id="manual__1",
            run_type=run_type,
            logical_date=moment(logical),
            data_interval_start=moment(start),
            data_interval_end=moment(end),
        ),
        "ti": SimpleNamespace(try_number=3, get_first_reschedule_date=lambda _: first_wait),
    }


def window(start: str, end: str) -> Window:
    """The window between two moments."""
    return Window(datetime.fromisoformat(start), datetime.fromisoformat(end))


TWO_HOURS = window("2026-11-22T00:00Z", "2026-11-22T02:00Z")


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        (context("2026-11-22T00:00Z", ("2026-11-22T00:00Z", "2026-11-22T02:00Z")), TWO_HOURS),
        (context("2026-11-22T00:00Z", ("2026-11-22T12:00Z", "2026-11-22T14:00Z")), TWO_HOURS),
        (context("2026-11-22T00:00Z"), TWO_HOURS),
        (context("2026-11-22T03:00Z", ("2026-11-22T00:00Z", "2026-11-22T02:00Z")), TWO_HOURS),
        (
            context(
                "2026-11-22T08:00Z",
                ("2026-11-22T08:00Z", "2026-11-22T10:00Z"),
                start="2026-11-22T00:00:00Z",
                end="2026-11-22T03:30:00+01:00",
            ),
            window("2026-11-22T00:00Z", "2026-11-22T02:30Z"),
        ),
        (context(start="2026-11-22T00:00:00", end="2026-11-22T02:00:00"), TWO_HOURS),
    ],
    ids=["scheduled", "triggered for a date", "boundary alone", "between", "explicit", "naive"],
)
def test_window_of_a_run(found: dict[str, Any], meant: Window) -> None:
    """Explicit params first, then the interval that a boundary starts, then Airflow's interval."""
    run = bridge.run_of(found, MAIN)
    assert run.window == meant
    assert (run.schedule, run.source, run.run_id, run.attempt) == (MAIN, "graph", "manual__1", 3)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (context(), "manual__1 has no data interval and no params start and end"),
        (context("2026-11-22T00:00Z", start="2026-11-22T00:00:00Z"), "start was given without end"),
        (context("2026-11-22T00:00Z", end="2026-11-22T00:00:00Z"), "end was given without start"),
        (context(start="noon", end="2026-11-22T00:00:00Z"), "Param start was 'noon'"),
        (
            context(start="2026-11-22T02:00:00Z", end="2026-11-22T02:00:00Z"),
            "must start before it ends",
        ),
        (
            context("2026-11-22T03:00Z", ("2026-11-22T03:00Z", "2026-11-22T03:00Z")),
            "must start before it ends",
        ),
        (context(start="0001-01-01T00:00:00Z", end="9999-12-31T23:59:59Z"), "at most 366 days"),
        (context(start="2026-11-22T00:00:00Z", end="9999-12-31T23:59:59-14:00"), "2100-01-01"),
        (context(start="0001-01-01T00:00:00+14:00", end="2026-11-22T00:00:00Z"), "2000-01-01"),
        (context(start="2020-01-01T00:00:00Z", end="2026-11-22T00:00:00Z"), "several runs"),
        (context("9999-12-31T22:00Z"), "2100-01-01"),
        (context("0001-01-01T00:00Z"), "2000-01-01"),
    ],
    ids=[
        "no interval",
        "no end",
        "no start",
        "no time",
        "empty",
        "zero width",
        "millennia",
        "end of time",
        "beginning of time",
        "six years",
        "last date",
        "first date",
    ],
)
def test_a_run_without_a_window_is_refused(found: dict[str, Any], told: str) -> None:
    """One sentence says what is wrong and what to give."""
    with pytest.raises(Refused, match=told):
        bridge.run_of(found, MAIN)


def raised(error: Exception, **known: Any) -> Exception:
    """What leaves the bridge when a task raises `error`."""
    with pytest.raises(Exception) as found, bridge.airflow_errors(context(**known)):
        raise error
    assert found.value.__suppress_context__ or found.value is error
    return found.value


@pytest.mark.parametrize("error", [Refused("Do this."), PastRetention("Do this.")], ids=repr)
def test_refused_fails_at_once(error: Exception) -> None:
    """What waiting can't mend is not tried again."""
    found = raised(error)
    assert isinstance(found, AirflowFailException)
    assert str(found) == "Do this."


@pytest.mark.parametrize("error", [Transient("Broke off."), Corrupt("Broken.")], ids=repr)
def test_what_can_mend_is_tried_again(error: Exception) -> None:
    """Airflow's retries see an ordinary failure, with our sentence."""
    found = raised(error)
    assert type(found) is AirflowException
    assert str(found) == str(error)


def test_throttled_gives_the_slot_back() -> None:
    """For as long as Graph asked, to the second; no try is used up."""
    found = raised(Throttled("Graph asks for a pause.", wait=600))
    assert isinstance(found, AirflowRescheduleException)
    wait = found.reschedule_date - datetime.now(UTC)
    assert timedelta(seconds=590) < wait <= timedelta(seconds=600)


@pytest.mark.parametrize("wait", [1e9, 1e300, float("inf"), float("nan"), -1.0], ids=str)
def test_no_wait_is_longer_than_an_hour(wait: float) -> None:
    """Whatever a host asks for, the task is asked for again within the hour."""
    found = raised(Throttled("Graph asks for a pause.", wait=wait))
    assert isinstance(found, AirflowRescheduleException)
    assert found.reschedule_date <= datetime.now(UTC) + timedelta(hours=1)


@pytest.mark.parametrize("run_type", ["scheduled", "backfill", "asset_triggered"])
def test_a_window_that_settles_within_the_hour_gives_the_slot_back(run_type: str) -> None:
    """A scheduler's clock that is fast costs a few seconds, not the interval."""
    found = raised(NotYet("It can be read from 02:15 on.", wait=10), run_type=run_type)
    assert isinstance(found, AirflowRescheduleException)
    assert found.reschedule_date <= datetime.now(UTC) + timedelta(seconds=10)


def test_a_run_by_hand_is_told_when_the_window_settles() -> None:
    """Who sits before it reads the time from which it works; only two minutes are waited out."""
    found = raised(NotYet("It can be read from 02:15 on.", wait=600), run_type="manual")
    assert isinstance(found, AirflowFailException)
    assert str(found) == "It can be read from 02:15 on."
    assert bridge.run_of(context("2026-11-22T00:00Z"), MAIN).patience == 120
    assert bridge.run_of(context("2026-11-22T00:00Z", run_type="backfill"), MAIN).patience == 0


@pytest.mark.parametrize(
    ("waited", "kind"),
    [
        (timedelta(hours=23), AirflowRescheduleException),
        (timedelta(hours=25), AirflowFailException),
    ],
    ids=["a day", "longer"],
)
def test_throttled_for_ever_fails(waited: timedelta, kind: type[Exception]) -> None:
    """Rescheduling ends after a day, with a sentence that says since when."""
    found = raised(Throttled("Pause.", wait=600), first_wait=datetime.now(UTC) - waited)
    assert type(found) is kind
    if kind is AirflowFailException:
        assert "Pause. This has gone on since" in str(found)


def test_an_unexpected_error_is_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """A library's message may quote an event: only its type and its frames are told."""
    with caplog.at_level(logging.ERROR):
        found = raised(ValueError(f"could not convert {EVENT}"))
    assert type(found) is AirflowException
    assert str(found).startswith("Unexpected ValueError at test_bridge.py:")
    assert "in raised" in caplog.text
    assert EVENT not in caplog.text + str(found)


@pytest.mark.parametrize(
    ("number", "kind", "told"),
    [
        (errno.ENOSPC, AirflowException, "is full.*free some space"),
        (errno.EIO, AirflowException, "try again; if it stays so, check that disk"),
        (errno.EROFS, AirflowFailException, "give it access"),
    ],
    ids=["full", "broken", "read-only"],
)
def test_what_the_disk_refuses_has_a_sentence(number: int, kind: type, told: str) -> None:
    """Wherever it happens: an error of a file is told with its remedy, without the file's name."""
    found = raised(OSError(number, "no", "/somebody@example.com"))
    assert type(found) is kind
    assert re.search(told, str(found))
    assert "example.com" not in str(found)


def test_airflows_own_exceptions_pass() -> None:
    """A skip or a failure that Airflow itself raised stays what it is."""
    error = AirflowFailException("as it is")
    assert raised(error) is error


def connection(monkeypatch: pytest.MonkeyPatch, conn_id: str, **fields: Any) -> None:
    """An Airflow connection in the environment."""
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))


def test_graph_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection of type msgraph becomes ours; its secret is in no repr."""
    connection(
        monkeypatch,
        "msgraph_default",
        conn_type="msgraph",
        login="client-1",
        password=SECRET,
        schema="https",
        host="graph.example",
        extra={"tenant_id": "contoso.example", "allowed_hosts": "graph.example"},
    )
    found = connections.graph_connection("msgraph_default")
    assert found.host == "https://graph.example"
    assert SECRET not in repr(found)


def test_connection_missing() -> None:
    """Refused with its id, the type that it must be of, and where to add it."""
    with pytest.raises(Refused, match=r"no Airflow connection 'nowhere' \(it must be of type msgr"):
        connections.graph_connection("nowhere")
    assert not connections.has_connection("nowhere")


def test_connection_of_another_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused with the type that it is and the one that it must be."""
    connection(monkeypatch, "web", conn_type="http", host="graph.example", password=SECRET)
    with pytest.raises(Refused, match="'web' is of type 'http'; it must be of type msgraph") as no:
        connections.graph_connection("web")
    assert SECRET not in str(no.value)


def test_azure_lake_needs_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection that ENTRA_LAKE_URL names is looked up and must be one of Azure storage."""
    settings = Settings(lake_url="abfs://storage@logs/entra")
    with pytest.raises(Refused, match=r"'storage' \(it must be of type wasb or adls\).*ENTRA_LAKE"):
        connections.lake_of(settings)
    connection(monkeypatch, "storage", conn_type="msgraph")
    with pytest.raises(Refused, match="'storage' is of type 'msgraph'"):
        connections.lake_of(settings)
