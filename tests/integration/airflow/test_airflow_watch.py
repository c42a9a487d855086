"""The watch on real Airflow: runs that failed or were never made, told once, and once more."""

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.variable import Variable
from airflow.utils.session import create_session
from sqlalchemy import delete

from include.entra_logs.airflow_side.alerts import TOLD
from include.entra_logs.api import PARTITION, Window, partition_start
from tests.integration.airflow.lookup import Done
from tests.kit.channels import Inbox, webhook

pytestmark = pytest.mark.airflow

RunDag = Callable[..., Done]
MOMENTS = itertools.count()


def forget() -> None:
    """Airflow has no run of our DAGs and knows of nothing told: the watch sees what it has."""
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id.startswith("entra_", autoescape=True)))
    Variable.delete(TOLD)


@pytest.fixture(autouse=True)
def nothing_before(airflow_db: None) -> Iterator[None]:
    """What other tests ran is not seen here, and what ran here is seen by no other."""
    forget()
    yield
    forget()


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """A Slack webhook on loopback that alerts go to."""
    with webhook() as opened:
        url = f"http://127.0.0.1:{opened.port}/services/T/B/x"
        fields = {"conn_type": "slackwebhook", "password": url}
        monkeypatch.setenv("AIRFLOW_CONN_ENTRA_ALERTS", json.dumps(fields))
        monkeypatch.setenv("ENTRA_ALERTS_CONN_ID", "entra_alerts")
        yield opened


@pytest.fixture
def watch(run_dag: RunDag, inbox: Inbox) -> Callable[..., list[str]]:
    """Run the watch; the lines about `words` in what it delivered, each in one message at most."""

    def run(words: str, state: str = "success") -> list[str]:
        inbox.taken.clear()
        at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=next(MOMENTS))
        done = run_dag("entra_lake_watch", at)
        assert done.state == state, done.text[-3000:]
        assert len(inbox.taken) <= 1
        return [line for m in inbox.taken for line in m["text"].split("\n")[1:] if words in line]

    return run


def test_a_failed_run_and_one_that_was_never_made(
    run_dag: RunDag,
    watch: Callable[..., list[str]],
    connect: Callable[..., None],
    lake: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is told once with what to do, and once more when it is over; health is silent."""
    due = partition_start(datetime.now(UTC) - timedelta(minutes=16))
    fine, never, red, last = (due - n * PARTITION for n in (4, 3, 2, 1))
    monkeypatch.setenv("ENTRA_START", fine.isoformat())
    assert run_dag("entra_sign_ins", fine).state == "success"
    connect(password="emulator~expected-something-else")
    assert run_dag("entra_sign_ins", red).state == "failed"
    connect()
    assert run_dag("entra_sign_ins", last).state == "success"

    first = watch("entra_sign_ins")
    missing, failed = (str(Window(start, start + PARTITION)) for start in (never, red))
    assert len(first) == 2, first
    assert f"{missing} is missing from the lake: Airflow never made a run" in first[0]
    assert f"--from-date {missing[1:21]} --to-date {missing[1:21]}" in first[0]
    assert f"the run of entra_sign_ins for {failed} failed" in first[1]
    assert watch("") == []

    assert run_dag("entra_sign_ins", never).state == "success"
    assert run_dag("entra_sign_ins", red).state == "success"
    assert watch("sign_ins") == [
        f"• Over: sign_ins entra_sign_ins {missing}: missing.",
        f"• Over: sign_ins entra_sign_ins {failed}: failed.",
    ]
    assert watch("") == []


def test_a_lake_out_of_reach(
    watch: Callable[..., list[str]], lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch is red, and says so once; once more when it sees again."""
    url = lake.as_uri()
    monkeypatch.setenv("ENTRA_LAKE_URL", "file:///proc/lake")
    (told,) = watch("", state="failed")
    assert "cannot see" in told
    assert "/proc/lake" in told
    assert watch("", state="failed") == []
    monkeypatch.setenv("ENTRA_LAKE_URL", url)
    assert watch("cannot see") == ["• Over: the watch cannot see."]


def test_a_channel_that_is_not_there_is_told_again(
    watch: Callable[..., list[str]], lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task is red, nothing counts as told; the next run that gets through tells it."""
    monkeypatch.setenv("ENTRA_START", "2026-01-01")
    monkeypatch.setenv("ENTRA_ALERTS_CONN_ID", "nowhere")
    assert watch("", state="failed") == []
    monkeypatch.setenv("ENTRA_ALERTS_CONN_ID", "entra_alerts")
    assert len(watch("the target is 3 hours")) == 3
    assert watch("") == []
