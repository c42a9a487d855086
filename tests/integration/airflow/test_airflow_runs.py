"""A DAG run on real Airflow, from Graph to Parquet: what it brings, and how it fails."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs import pipeline
from include.entra_logs.api import PARTITION, partition_start
from include.entra_logs.errors import Throttled
from tests.integration.airflow.lookup import HALF_ALLOWED, Done, files_of, table, truth

pytestmark = pytest.mark.airflow

RunDag = Callable[..., Done]


@pytest.mark.parametrize("api", ["sign_ins", "directory_audits", "risk_detections"])
def test_exactly_the_events_of_the_interval(
    run_dag: RunDag, emulator: Any, lake: Path, interval: datetime, api: str
) -> None:
    """A boundary date brings the two hours that start there, each event once, and no other."""
    done = run_dag(f"entra_{api}", interval)
    assert done.state == "success"
    assert table(lake, api) == truth(emulator, api, interval, interval + PARTITION)
    assert set(done.tries.values()) == {1}
    assert f"entra_{api} [{interval:%Y-%m-%dT%H:%M:%SZ}" in done.text


def test_neighbours_and_repetition(
    run_dag: RunDag, emulator: Any, lake: Path, interval: datetime
) -> None:
    """Neighbours share no event and lose none; the same run again leaves every file untouched."""
    neighbour = interval + PARTITION
    assert run_dag("entra_sign_ins", neighbour).state == "success"
    assert run_dag("entra_sign_ins", interval).state == "success"
    assert table(lake, "sign_ins") == truth(emulator, "sign_ins", interval, neighbour + PARTITION)
    before = files_of(lake, "sign_ins")
    for _ in range(2):
        assert run_dag("entra_sign_ins", interval).state == "success"
        assert files_of(lake, "sign_ins") == before


def test_an_explicit_window(run_dag: RunDag, emulator: Any, lake: Path, interval: datetime) -> None:
    """`start` and `end` outrank the run's own interval, and may cross partitions."""
    start, end = interval + timedelta(minutes=90), interval + timedelta(minutes=150)
    done = run_dag(
        "entra_sign_ins", interval - 40 * PARTITION, start=start.isoformat(), end=end.isoformat()
    )
    assert done.state == "success"
    assert table(lake, "sign_ins") == truth(emulator, "sign_ins", start, end)


def test_an_empty_window_is_a_success_without_a_file(
    run_dag: RunDag, emulator: Any, lake: Path, interval: datetime
) -> None:
    """Nothing happened: the read is in the ledger, and there is no Parquet file."""
    start = interval
    while truth(emulator, "risk_detections", start, start + timedelta(minutes=10)):
        start += timedelta(minutes=10)
    window = {"start": start.isoformat(), "end": (start + timedelta(minutes=10)).isoformat()}
    assert run_dag("entra_risk_detections", interval, **window).state == "success"
    assert files_of(lake, "risk_detections") == {}
    assert list((lake / "ledger").rglob("*.json"))


def test_from_raw_needs_no_graph(
    run_dag: RunDag,
    emulator: Any,
    lake: Path,
    interval: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`source: raw` loads again what was read: no connection, no pool of Graph's, same table."""
    done = run_dag("entra_directory_audits", interval)
    assert done.state == "success"
    assert done.pools["authenticate"] == done.pools["extract"] == "entra_audit_logs"
    before = table(lake, "directory_audits")
    assert before
    for path in (lake / "tables").rglob("*.parquet"):
        path.unlink()
    monkeypatch.delenv("AIRFLOW_CONN_MSGRAPH_DEFAULT")
    done = run_dag("entra_directory_audits", interval, source="raw")
    assert done.state == "success"
    assert done.pools["authenticate"] == done.pools["extract"] == "default_pool"
    assert done.pools["load"] == "entra_load"
    assert table(lake, "directory_audits") == before


def test_past_retention_succeeds(run_dag: RunDag, lake: Path, interval: datetime) -> None:
    """What Graph keeps no more is asked for all the same; the ledger says so, the run is green."""
    done = run_dag("entra_sign_ins", interval - timedelta(days=40))
    assert done.state == "success"
    (record,) = (lake / "ledger").rglob("*.json")
    assert '"past_retention":true' in record.read_text(encoding="utf-8").replace(" ", "")


def test_a_pause_gives_the_slot_back(
    run_dag: RunDag,
    emulator: Any,
    lake: Path,
    interval: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Throttled: the task is rescheduled, costs no try, and brings everything in the end."""
    asked: list[str] = []
    whole = pipeline.extract

    def extract(*arguments: Any) -> Any:
        asked.append("extract")
        if len(asked) == 1:
            raise Throttled("Graph asks for a pause of 2 s.", wait=2)
        return whole(*arguments)

    monkeypatch.setattr(pipeline, "extract", extract)
    done = run_dag("entra_sign_ins", interval)
    assert done.state == "success"
    assert (len(asked), done.tries["extract"]) == (2, 1)
    assert "Graph asks for a pause of 2 s. The slot is given back for 2 s." in done.text
    assert table(lake, "sign_ins") == truth(emulator, "sign_ins", interval, interval + PARTITION)


def test_upkeep_proves_the_lake_and_names_what_is_lost(
    run_dag: RunDag,
    lake: Path,
    interval: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Green on a healthy lake; red, naming the window, once a partition was removed by hand."""
    monkeypatch.setattr("include.entra_logs.proof.upkeep.CYCLE", 1)
    assert run_dag("entra_sign_ins", interval).state == "success"
    today = datetime.now(UTC)
    assert run_dag("entra_lake_upkeep", today).state == "success"
    (file,) = (lake / "tables").rglob("*.parquet")
    file.unlink()
    done = run_dag("entra_lake_upkeep", today + timedelta(seconds=1))
    assert done.state == "failed"
    assert f"{interval:%Y-%m-%dT%H:%M:%SZ}" in done.reason("verify")


def refused(done: Done) -> str:
    """Why `authenticate` failed; it did at once, without a retry, and nothing ran after it."""
    assert done.state == "failed"
    assert done.tries["authenticate"] == 1
    assert {done.states[t] for t in ("extract", "normalise", "load")} == {"upstream_failed"}
    return done.reason()


def test_a_wrong_secret(
    run_dag: RunDag, lake: Path, connect: Callable[..., None], interval: datetime
) -> None:
    """Fails at once and says that the secret is wrong, without showing it."""
    connect(password="emulator~expected-something-else")
    told = refused(run_dag("entra_sign_ins", interval))
    assert "secret" in told
    assert "expected-something-else" not in told


def test_a_missing_permission(
    run_dag: RunDag, lake: Path, connect: Callable[..., None], interval: datetime
) -> None:
    """Fails at once and names the permission that is missing, and for which API."""
    connect(login=HALF_ALLOWED)
    told = refused(run_dag("entra_risk_detections", interval))
    assert "IdentityRiskEvent.Read.All" in told


@pytest.mark.parametrize(
    "wrong",
    [
        ("AIRFLOW_CONN_MSGRAPH_DEFAULT", None, "no Airflow connection 'msgraph_default'"),
        ("AIRFLOW_CONN_MSGRAPH_DEFAULT", '{"conn_type": "http"}', "is of type 'http'"),
        ("ENTRA_RETENTION_DAYS", "a month", "ENTRA_RETENTION_DAYS was 'a month'; it may be"),
        ("ENTRA_START", "soon", "ENTRA_START was 'soon'; it may be"),
        ("ENTRA_LAKE_URL", "s3://logs", "ENTRA_LAKE_URL was 's3://logs'; it may be"),
        ("ENTRA_LAKE_URL", "file:///proc/lake", "/proc/lake"),
    ],
    ids=["no connection", "other type", "retention", "start", "lake", "read-only lake"],
)
def test_a_wrong_installation(
    run_dag: RunDag,
    lake: Path,
    interval: datetime,
    monkeypatch: pytest.MonkeyPatch,
    wrong: tuple[str, str | None, str],
) -> None:
    """Connection, setting or lake: `authenticate` names it, what it was, what it may be."""
    name, value, told = wrong
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    assert told in refused(run_dag("entra_sign_ins", interval))


def test_a_run_without_an_interval(run_dag: RunDag, lake: Path) -> None:
    """Neither logical date nor `start` and `end`: it fails and says what to give."""
    told = refused(run_dag("entra_sign_ins", None))
    assert "has no data interval and no params start and end" in told


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=2)], ids=["running", "future"])
def test_an_unsettled_window(run_dag: RunDag, lake: Path, ahead: timedelta) -> None:
    """It fails and names the time from which it works."""
    start = partition_start(datetime.now(UTC) + ahead)
    told = refused(run_dag("entra_sign_ins", start))
    assert f"{start + PARTITION + timedelta(minutes=15):%Y-%m-%dT%H:%M:%SZ}" in told
