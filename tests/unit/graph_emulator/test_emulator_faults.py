import ssl
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from include.graph_emulator.foreign_host import foreign_host
from include.graph_emulator.process import Emulator, start_emulator
from tests.unit.graph_emulator.emulator_reader import END, NOW, START, Reader, keys

URL = (
    f"/v1.0/auditLogs/signIns?$filter=createdDateTime ge {START} and createdDateTime le {END}"
    "&$top=100"
)


def one(emulator: Emulator, **fault: Any) -> None:
    """Plan a single fault."""
    emulator.plan([fault])


@pytest.mark.parametrize("page", ["first", "middle", "last"])
def test_position(reader: Reader, emulator: Emulator, page: str) -> None:
    """A fault hits the page that it names, once, and the next try is right."""
    one(emulator, kind="server_error", status=502, page=page)
    url: str | None = URL
    statuses = []
    while url:
        answer = reader.get(url)
        statuses.append(answer.status_code)
        if answer.status_code == 200:
            url = answer.json().get("@odata.nextLink")
    bad = {"first": 0, "middle": 1, "last": len(statuses) - 2}[page]
    assert [n for n, status in enumerate(statuses) if status == 502] == [bad]
    assert emulator.plan_hits() == [1]


@pytest.mark.parametrize(
    ("form", "value"), [("seconds", "2"), ("decimal", "2.128"), ("date", None)]
)
def test_throttled_by_plan(
    reader: Reader, emulator: Emulator, form: str, value: str | None
) -> None:
    """Retry-After comes as seconds, decimal or date, or not at all."""
    one(emulator, kind="throttled", retry_after=2.128, retry_after_form=form)
    answer = reader.get(URL)
    assert answer.status_code == 429
    told = answer.headers["retry-after"]
    if value is None:
        wait = parsedate_to_datetime(told) - parsedate_to_datetime(answer.headers["date"])
        assert wait.total_seconds() == 3
    else:
        assert told == value
    one(emulator, kind="throttled")
    assert "retry-after" not in reader.get(URL).headers


@pytest.mark.parametrize("kind", ["reset", "truncated"])
def test_broken_connections(reader: Reader, emulator: Emulator, kind: str) -> None:
    """The connection breaks before or within the body, and works again afterwards."""
    one(emulator, kind=kind)
    with pytest.raises(httpx.TransportError):
        reader.get(URL)
    assert reader.get(URL).status_code == 200


def test_hang_and_slow(reader: Reader, emulator: Emulator) -> None:
    """A hang answers nothing; a slow page, a trickled one and a wide window take their time."""
    one(emulator, kind="hang")
    with pytest.raises(httpx.ReadTimeout):
        reader.client.get(URL, headers={"authorization": f"Bearer {reader.bearer}"}, timeout=0.3)
    for fault in ({"kind": "slow"}, {"kind": "trickle"}, {"kind": "slow", "wider_than": 7000}):
        emulator.plan([{**fault, "seconds": 0.4}])
        began = time.monotonic()
        assert reader.get(URL).status_code == 200
        assert time.monotonic() - began > 0.35, "timers may be a little early"


@pytest.mark.parametrize(
    "kind",
    ["cut_json", "html", "error_mid_body", "empty_body", "invalid_utf8"],
)
def test_no_json(reader: Reader, emulator: Emulator, kind: str) -> None:
    """A 200 whose body is not JSON."""
    one(emulator, kind=kind)
    answer = reader.get(URL)
    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("forbidden", 403, "Authentication_MSGraphPermissionMissing"),
        ("not_premium", 403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"),
        ("invalid_filter", 400, "BadRequest"),
        ("expired_token", 401, "InvalidAuthenticationToken"),
    ],
)
def test_refusals(reader: Reader, emulator: Emulator, kind: str, status: int, code: str) -> None:
    """Refusals by plan have the status and code of the real ones; a token really ends."""
    one(emulator, kind=kind)
    answer = reader.get(URL)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert reader.get(URL).status_code == (401 if kind == "expired_token" else 200)
    reader.login()
    assert reader.get(URL).status_code == 200


@pytest.mark.parametrize(
    ("form", "code", "words"),
    [
        ("lost", "BadRequest", "Token not found"),
        ("null", "UnknownError", "skip token is null"),
        ("no_code", "", "Invalid Skip Token"),
    ],
)
def test_dead_skiptoken(
    reader: Reader, emulator: Emulator, form: str, code: str, words: str
) -> None:
    """A link that died stays dead; the window asked anew works."""
    one(emulator, kind="dead_skiptoken", form=form)
    link = reader.get(URL).json()["@odata.nextLink"]
    error = reader.get(link).json()["error"]
    assert error["code"] == code
    assert words in error["message"]
    assert reader.get(link).status_code == 400
    assert len(reader.pages(URL)) > 2


@pytest.mark.parametrize("kind", ["duplicates", "conflicting_duplicates"])
@pytest.mark.parametrize("page", ["first", "middle", "last"])
def test_duplicates(reader: Reader, emulator: Emulator, kind: str, page: str) -> None:
    """Rows come twice, equal or not; the later of two is the right one."""
    one(emulator, kind=kind, page=page, rows=4)
    events = reader.window("sign_ins", START, END, more="&$top=100")
    upto = END.replace("Z", ".0000001Z")  # `le` includes the bound
    truth = emulator.truth("sign_ins", START, upto, events=True)
    right = {event["id"]: event for event in truth.events}
    assert len(events) == truth.count + 4
    assert {event["id"]: event for event in events} == right
    odd = [event for event in events if event != right[event["id"]]]
    assert len(odd) == (4 if kind == "conflicting_duplicates" else 0)


def test_empty_page_in_the_middle(reader: Reader, emulator: Emulator) -> None:
    """A page without rows has a link, and nothing is missing behind it."""
    one(emulator, kind="empty_page", page="middle")
    pages = reader.pages(URL)
    assert pages[1]["value"] == []
    events = [event for page in pages for event in page["value"]]
    assert keys("sign_ins", events) == emulator.truth("sign_ins", START, END).ids


def test_links_that_lead_astray(reader: Reader, emulator: Emulator) -> None:
    """Links to another host, scheme, to the page itself, in a loop of three, without a token."""
    one(emulator, kind="foreign_next_link", host="foreign.example:8443", scheme="http")
    link = reader.get(URL).json()["@odata.nextLink"]
    assert link.startswith("http://foreign.example:8443/v1.0/auditLogs/signins?")
    one(emulator, kind="looping_next_link", page=2, times=0)
    second = reader.get(URL).json()["@odata.nextLink"]
    assert reader.get(second).json()["@odata.nextLink"] == second
    one(emulator, kind="looping_next_link", page=4, span=3)
    links = [reader.get(URL).json()["@odata.nextLink"]]
    for _ in range(3):
        links.append(reader.get(links[-1]).json()["@odata.nextLink"])
    assert links[3] == links[0]
    one(emulator, kind="empty_next_link")
    assert reader.get(URL).json()["@odata.nextLink"].endswith("&$skiptoken=")


def test_foreign_host_records(emulator: Emulator) -> None:
    """The foreign host speaks TLS that the CA vouches for, and tells what it saw."""
    verify = ssl.create_default_context(cafile=emulator.ca)
    with foreign_host(emulator.foreign_certificate) as foreign:
        url = f"https://{foreign.host}/x"
        assert httpx.get(url, verify=verify, trust_env=False).status_code == 200
        assert foreign.bearers() == []
        httpx.get(url, verify=verify, trust_env=False, headers={"authorization": "Bearer x"})
        assert foreign.bearers() == ["Bearer x"]


def test_short_answer(reader: Reader, emulator: Emulator) -> None:
    """Fewer rows than there are and no link: what one read cannot notice."""
    one(emulator, kind="short_answer", page=2)
    pages = reader.pages(URL)
    assert len(pages) == 2
    assert 0 < len(pages[1]["value"]) < 100


@pytest.mark.parametrize("kind", ["value_missing", "value_null", "value_not_list"])
def test_no_list(reader: Reader, emulator: Emulator, kind: str) -> None:
    """A JSON object whose `value` is no list."""
    one(emulator, kind=kind)
    assert not isinstance(reader.get(URL).json().get("value"), list)


@pytest.mark.parametrize("kind", ["event_without_id", "event_without_time", "event_not_object"])
def test_defective_events(reader: Reader, emulator: Emulator, kind: str) -> None:
    """One defective event more; the right ones are all there."""
    one(emulator, kind=kind)
    value = reader.get(URL).json()["value"]
    assert len(value) == 101
    whole = [e for e in value if isinstance(e, dict) and {"id", "createdDateTime"} <= e.keys()]
    assert len(whole) == 100


def test_huge_body(reader: Reader, emulator: Emulator) -> None:
    """A page with megabytes beside its rows."""
    one(emulator, kind="huge_body", megabytes=5)
    answer = reader.get(URL)
    assert len(answer.content) > 5_000_000
    assert len(answer.json()["value"]) == 100


def test_faults_of_the_token_endpoint(reader: Reader, emulator: Emulator) -> None:
    """The login host can fail too."""
    emulator.plan([{"kind": "server_error", "api": "token", "status": 503}])
    assert reader.token().status_code == 503
    assert reader.token().status_code == 200


def test_counting(reader: Reader, emulator: Emulator) -> None:
    """`request` counts from the plan on, `times` ends a fault, `api` spares the others."""
    fault = {"kind": "server_error", "api": "sign_ins", "request": 2, "times": 2}
    emulator.plan([fault])
    assert reader.ask("directory_audits", "$top=1").status_code == 200
    statuses = [reader.ask("sign_ins", "$top=1").status_code for _ in range(4)]
    assert statuses == [200, 503, 503, 200]
    with pytest.raises(ValueError, match="no_such_kind"):
        emulator.plan([{"kind": "no_such_kind"}])


def test_throttling(read_from: Callable[[Emulator], Reader]) -> None:
    """The sixth request within the window is refused, refused calls count, and it passes.

    Time is slowed down, so that a busy machine asks within the window, and then speeded up.
    """
    with start_emulator(now=NOW, speed=0, sign_ins_per_day=100, time_scale=0.1) as emulator:
        reader = read_from(emulator)
        answers = [reader.ask("sign_ins", "$top=1") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        error = answers[5].json()["error"]
        assert error["code"] == "UnknownError"
        assert 0 < float(answers[5].headers["retry-after"]) <= 100
        answers = [reader.ask("risk_detections", "$top=1") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert "retry-after" not in answers[1].headers
        stats = emulator.stats()["sign_ins"]
        assert (stats["requests"], stats["refused"], stats["bearer"]) == (7, 2, 7)
        emulator.change(time_scale=100_000)
        assert reader.ask("sign_ins", "$top=1").status_code == 200
