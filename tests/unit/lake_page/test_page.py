"""The page's answers, without a server: what is asked wrongly, what is out of reach."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from airflow.utils.session import create_session
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from msgspec.structs import replace

from include.entra_logs.api import PARTITION, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.lake import Lake, layout, open_lake
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import FirstSeen, LedgerRecord, PartitionCounts
from include.entra_logs.ledger.states import states
from include.entra_logs.settings import load_settings
from include.lake_page import known, memory
from include.lake_page.app import make_app
from include.lake_page.page import NotThere, Page

pytestmark = pytest.mark.usefixtures("airflow_db")
TENANT = "8f6f2f0a-4f4e-4d0e-9d67-3a7a3f1f0001"
NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
START = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def session() -> Iterator[Any]:
    """A session on it."""
    with create_session() as session:
        yield session


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with two reads of the first interval of the day, the second one with late events."""
    found = open_lake(tmp_path.as_uri())
    main = record(START, timedelta(minutes=16), "main", (100, 0, 0, 0, 0))
    ledger.append(found, replace(main, requests=7, throttled=1, waited=2.5))
    ledger.append(found, record(START, timedelta(hours=6.1), "sweep_6h", (5, 1, 99, 0, 1)))
    return found


def record(
    start: datetime, late: timedelta, kind: str, counts: tuple[int, ...], tenant: str = TENANT
) -> LedgerRecord:
    """A read of one interval of sign-ins, so late after its end."""
    read_at = start + PARTITION + late
    known = sum(counts[1:4])
    seen = (FirstSeen(start, known), FirstSeen(read_at, known + counts[0]))
    read_id = f"{read_at:%Y%m%dT%H%M%SZ}-{kind}-{tenant[-8:]}"
    return LedgerRecord(
        record_id=read_id,
        read_id=read_id,
        api="sign_ins",
        tenant_id=tenant,
        window_start=start,
        window_end=start + PARTITION,
        kind=kind,
        read_kind=kind,
        filter_by="createdDateTime",
        run_id="scheduled__1",
        read_at=read_at,
        loaded_at=read_at,
        partitions=(PartitionCounts(start, *counts, seen=seen),),
        surprises={"<b>new</b>: string": 2},
    )


def page(lake: Lake, monkeypatch: pytest.MonkeyPatch, start: str = "2026-11-22") -> Page:
    """The page on the lake; ENTRA_START is the first interval."""
    monkeypatch.setenv("ENTRA_START", start)
    return Page(lake, load_settings(), CATALOGUE)


@time_machine.travel(NOW, tick=False)
def test_overview(lake: Lake, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells, freshness, lateness, requests and causes, by hand."""
    found = json.loads(page(lake, monkeypatch).overview(session, None))
    assert (found["tenant"], found["tenants"]) == (TENANT, [TENANT])
    names = [api["name"] for api in found["calendar"]["apis"]]
    assert names == [api["name"] for api in found["status"]] == list(CATALOGUE)
    calendar, status = (
        part[names.index("sign_ins")] for part in (found["calendar"]["apis"], found["status"])
    )
    assert found["calendar"]["end"] == "2026-11-23T00:00:00Z"
    assert len(calendar["cells"]) == 30 * 12
    today = calendar["cells"][-12:]
    assert today[0] == ["verified", 105, 5, ""]
    assert today[1:4] == [["missing", 0, None, ""]] * 3
    assert today[4:] == [["none", 0, None, ""]] * 8, "not due for three hours"
    assert calendar["cells"][-13] == ["none", 0, None, ""], "before ENTRA_START"
    assert calendar["lateness"] == {"late": 5, "events": 105, "intervals": 1}
    assert status["freshness"]["age_seconds"] == 10.5 * 3600
    assert status["freshness"]["behind"] is True
    assert status["budget"] | {"share": 0} == {
        "requests": 7,
        "share": 0,
        "throttled": 1,
        "waited_seconds": 2.5,
        "allowed": "5 in 10 s",
    }
    assert {cause["kind"] for cause in status["causes"]} == {"behind", "surprise"}


@time_machine.travel(NOW, tick=False)
def test_interval(lake: Lake, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read with what it did to this interval, and its DAG."""
    found = json.loads(page(lake, monkeypatch).interval(session, TENANT, "sign_ins", START))
    assert (found["state"], found["events"], found["late"]) == ("verified", 105, 5)
    assert [(r["kind"], r["added"], r["changed"], r["dag_id"]) for r in found["reads"]] == [
        ("main", 100, 0, "entra_sign_ins"),
        ("sweep_6h", 5, 1, "entra_sign_ins_sweep_6h"),
    ]
    assert found["outstanding"] == ["3d"]
    assert f"--from-date {utc_text(START)} --to-date {utc_text(START)}" in found["commands"]["raw"]


@time_machine.travel(NOW, tick=False)
def test_tenants_are_kept_apart(lake: Lake, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a choice the tenant that was read last; each has its own calendar."""
    first, other = (f"{n}0000000-0000-0000-0000-00000000000b" for n in (0, 1))
    ledger.append(lake, record(START + PARTITION, timedelta(minutes=16), "main", (7,), first))
    ledger.append(lake, record(START + PARTITION, timedelta(hours=7), "main", (3,), other))
    shown = page(lake, monkeypatch)
    newest = json.loads(shown.overview(session, None))
    assert (newest["tenant"], newest["tenants"]) == (other, [first, other, TENANT])
    for tenant, events in ((first, 7), (other, 3), (TENANT, 105)):
        answer = json.loads(shown.overview(session, tenant))
        cells = answer["calendar"]["apis"][list(CATALOGUE).index("sign_ins")]["cells"]
        assert sum(cell[1] for cell in cells) == events


@time_machine.travel(NOW, tick=False)
def test_a_new_read_is_seen_and_the_rest_is_kept(
    lake: Lake, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worked out anew is the API that was read since, and no other."""
    monkeypatch.setattr(memory, "FRESH_FOR", 0.0)
    worked_out = []
    monkeypatch.setattr(
        known, "states", lambda api, *rest: worked_out.append(api.name) or states(api, *rest)
    )
    shown = page(lake, monkeypatch)
    shown.overview(session, None)
    assert worked_out == list(CATALOGUE)
    shown.overview(session, None)
    assert worked_out == list(CATALOGUE)
    ledger.append(lake, record(START + PARTITION, timedelta(minutes=16), "main", (7,)))
    found = json.loads(shown.overview(session, None))
    assert worked_out == [*CATALOGUE, "sign_ins"]
    cells = found["calendar"]["apis"][list(CATALOGUE).index("sign_ins")]["cells"]
    assert cells[-11] == ["provisional", 7, None, ""]


@time_machine.travel(NOW, tick=False)
def test_a_broken_object_of_the_ledger(
    lake: Lake, session: Any, monkeypatch: pytest.MonkeyPatch, client: TestClient
) -> None:
    """A line in what needs attention, with key and remedy; the rest of the page stays as it is."""
    other = record(START + PARTITION, timedelta(minutes=16), "main", (7,))
    ledger.append(
        lake,
        replace(other, api="directory_audits", record_id="audits", filter_by="activityDateTime"),
    )
    ledger.roll_up(lake, "sign_ins")
    key = layout.ledger_month(ledger.shelf_of(other))
    lake.store.put(key, b"PAR1 cut")
    found = json.loads(page(lake, monkeypatch).overview(session, None))
    assert found["tenants"] == [TENANT]
    causes = {api["name"]: api["causes"] for api in found["status"]}
    (told,) = causes["sign_ins"]
    assert (told["kind"], key in told["says"]) == ("broken", True)
    assert "rebuild-ledger" in told["says"]
    assert "broken" not in {cause["kind"] for cause in causes["directory_audits"]}
    cells = {api["name"]: api["cells"] for api in found["calendar"]["apis"]}
    assert {cell[0] for cell in cells["sign_ins"]} == {"none"}
    assert cells["directory_audits"][-11][:2] == ["provisional", 7]
    json.loads(page(lake, monkeypatch).calendar(session, TENANT, NOW.date()))
    monkeypatch.setenv("ENTRA_LAKE_URL", lake.url)
    asked = f"/interval?tenant={TENANT}&api=sign_ins&start=2026-11-22T00:00:00Z"
    answer = client.get(asked)
    assert (answer.status_code, key in answer.text) == (503, True)


@time_machine.travel(NOW, tick=False)
def test_an_empty_lake(tmp_path: Path, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing read and nothing scheduled: no tenant, no state, nothing to attend to."""
    monkeypatch.delenv("ENTRA_START", raising=False)
    shown = Page(open_lake(tmp_path.as_uri()), load_settings(), CATALOGUE)
    found = json.loads(shown.overview(session, None))
    assert (found["tenant"], found["tenants"]) == ("", [])
    assert {cell[0] for api in found["calendar"]["apis"] for cell in api["cells"]} == {"none"}
    assert [api["causes"] for api in found["status"]] == [[]] * len(CATALOGUE)


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize("until", [date(2009, 12, 31), date(2026, 11, 23), date.max])
def test_days_that_are_not_there(
    lake: Lake, session: Any, monkeypatch: pytest.MonkeyPatch, until: date
) -> None:
    """The calendar ends between 2010 and today."""
    with pytest.raises(NotThere, match="between 2010-01-01 and 2026-11-22"):
        page(lake, monkeypatch).calendar(session, TENANT, until)


@pytest.mark.parametrize(
    ("name", "start", "told"),
    [
        ("mail", START, "There is no API 'mail'; there are"),
        ("sign_ins", START + timedelta(hours=1), "even hour"),
        ("sign_ins", START.replace(tzinfo=None), "zone"),
    ],
    ids=["api", "odd hour", "no zone"],
)
def test_an_interval_that_is_not_there(
    lake: Lake,
    session: Any,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    start: datetime,
    told: str,
) -> None:
    """One sentence that says what could be."""
    with pytest.raises(NotThere, match=told):
        page(lake, monkeypatch).interval(session, TENANT, name, start)


@pytest.fixture
def client() -> TestClient:
    """The routes without the question who is there, which the browser's tests ask."""
    app: FastAPI = make_app()
    for route in app.routes:
        for needed in route.dependant.dependencies:  # type: ignore[attr-defined]
            if needed.call is not None and "requires_access_view" in needed.call.__qualname__:
                app.dependency_overrides[needed.call] = lambda: None
    return TestClient(app)


FRAMES = "frame-ancestors 'self'"


def is_guarded(answer: Response) -> bool:
    """Whether the browser is told what it may do with the answer."""
    held = answer.headers
    return FRAMES in held.get("content-security-policy", "") and held.get(
        "x-content-type-options"
    ) == "nosniff"  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ("/interval?tenant=x&api=sign_ins&start=9999-12-31T22:00:00Z", 404, "between 2010-01-01"),
        ("/interval?tenant=x&api=sign_ins&start=0001-01-01T00:00:00Z", 404, "between 2010-01-01"),
        ("/interval?tenant=x&api=sign_ins&start=0001-01-01T00:00:00%2B14:00", 404, "between 2010"),
        ("/interval?tenant=x&api=sign_ins&start=9999-12-31T23:59:59-14:00", 404, "between 2010"),
        ("/interval?tenant=x&api=sign_ins&start=99999999999999999999", 422, "start"),
        ("/calendar?tenant=x&until=0001-01-01", 404, "between 2010-01-01"),
        ("/calendar?tenant=x&until=9999-12-31", 404, "between 2010-01-01"),
        ("/nowhere", 404, "Not Found"),
        ("/interval?tenant=x&api=mail&start=2026-11-22T00:00:00Z", 404, "There is no API"),
        ("/calendar?tenant=x&until=2009-01-01", 404, "between 2010-01-01"),
        ("/calendar?tenant=x&until=soon", 422, "until"),
    ],
)
def test_wrong_questions(
    client: TestClient,
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    status: int,
    told: str,
) -> None:
    """An answer with a sentence, not a server error."""
    monkeypatch.setenv("ENTRA_LAKE_URL", lake.url)
    answer = client.get(asked)
    assert (answer.status_code, told in answer.text) == (status, True)
    assert is_guarded(answer)


def test_a_lake_out_of_reach(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page shows the sentence that says what to do, and asks again later."""
    monkeypatch.setenv("ENTRA_LAKE_URL", "file:///proc/lake")
    answer = client.get("/overview")
    assert answer.status_code == 503
    assert "/proc/lake" in answer.json()["detail"]
    assert is_guarded(answer)


def test_a_fault_of_ours(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence without the error's text, with the headers of every answer."""

    def fails(_: Page, *__: Any) -> bytes:
        raise ZeroDivisionError("of somebody@example.com")

    monkeypatch.setattr(Page, "overview", fails)
    answer = TestClient(client.app, raise_server_exceptions=False).get("/overview")
    assert (answer.status_code, "Unexpected ZeroDivisionError" in answer.text) == (500, True)
    assert "example.com" not in answer.text
    assert is_guarded(answer)


def test_who_is_not_known(airflow_db: None) -> None:
    """The refusal has the headers too."""
    answer = TestClient(make_app()).get("/overview")
    assert answer.status_code in (401, 403)
    assert is_guarded(answer)


def test_the_browser_is_told_to_load_nothing_else(client: TestClient) -> None:
    """No source but this server, no inline script, no page around it but Airflow's own."""
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'self'" in policy
    assert "<script>" not in answer.text
    assert "http" not in answer.text
    assert client.get("/page.js").headers["content-type"].startswith("text/javascript")
