"""One `Collection(...)` is all that a new collection takes."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from include.graph_emulator import catalogue
from include.graph_emulator.assertions import Assertions
from include.graph_emulator.collection import Collection
from include.graph_emulator.requests import Request
from include.graph_emulator.service import Service, build
from include.graph_emulator.settings import CLIENT, DOMAIN, SECRET, Settings

NEW = Collection(
    name="new_things",
    path="auditLogs/newThings",
    event_time="happenedDateTime",
    permission="NewThings.Read.All",
    workload="audit",
    max_top=3,
    versions=("beta",),
)
DAY = "2026-11-19"
EVENTS = [
    {"id": f"e{n}", "happenedDateTime": f"{DAY}T0{n}:00:00Z", "tag": "odd" if n % 2 else "even"}
    for n in range(7)
]
Get = Callable[..., tuple[int, Any]]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """An emulator in this process that has the new collection and some of its events."""
    monkeypatch.setitem(catalogue.BY_NAME, NEW.name, NEW)
    settings = Settings(now="2026-11-20T12:00:00Z", speed=0, throttling=False)
    found = build(settings, Assertions())
    control(found, "POST", "events", api=NEW.name, events=EVENTS)
    return found


@pytest.fixture
def get(service: Service) -> Get:
    """Asks the emulator with a token of the default application."""
    return asker(service)


def asker(service: Service) -> Get:
    """Asks for a path and query with a new token; the status and the JSON of the answer."""
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET,
            "scope": "https://graph.microsoft.com/.default"}  # fmt: skip
    body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
    asked = Request("POST", f"/{DOMAIN}/oauth2/v2.0/token", b"", {}, body, "emulator")
    token = parsed(service, asked)[1]["access_token"]

    def ask(url: str) -> tuple[int, Any]:
        parts = urlsplit(url)
        headers = {"authorization": f"Bearer {token}"}
        query = parts.query.encode()
        return parsed(service, Request("GET", parts.path, query, headers, b"", "emulator"))

    return ask


def parsed(service: Service, request: Request) -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    answer = service.answer(request)
    return answer.status, orjson.loads(b"".join(answer.body))


def control(service: Service, method: str, name: str, **fields: Any) -> Any:
    """A request to the emulator's own endpoints, which it takes."""
    path, body = f"/_emulator/{name}", orjson.dumps(fields)
    status, found = parsed(service, Request(method, path, b"", {}, body, "emulator"))
    assert status == 200, found
    return found


def test_a_collection_has_the_events_that_are_added(service: Service, get: Get) -> None:
    """All pages of it are what the truth says: newest first, in pages of its size."""
    url, pages = "/beta/auditLogs/newThings", []
    while url:
        status, page = get(url)
        assert status == 200
        pages.append([event["id"] for event in page["value"]])
        url = page.get("@odata.nextLink")
    assert pages == [["e6", "e5", "e4"], ["e3", "e2", "e1"], ["e0"]]
    asked = {"api": NEW.name, "start": f"{DAY}T00:00:00Z", "end": f"{DAY}T06:00:00Z"}
    truth = control(service, "GET", "truth", **asked)
    assert sorted(name for name, _ in truth["ids"]) == [f"e{n}" for n in range(6)]


def test_it_takes_filters_and_faults_as_all_others_do(service: Service, get: Get) -> None:
    """A window and a property; a planned fault hits the API by its name."""
    window = f"happenedDateTime ge {DAY}T01:00:00Z and happenedDateTime le {DAY}T04:00:00Z"
    _, page = get(f"/beta/auditLogs/newThings?$filter={window} and tag eq 'odd'")
    assert [event["id"] for event in page["value"]] == ["e3", "e1"]
    assert get(f"/beta/auditLogs/newThings?$filter={window}&$select=id")[0] == 400
    control(service, "PUT", "plan", faults=[{"kind": "server_error", "api": NEW.name}])
    assert get("/beta/auditLogs/newThings")[0] == 503
    assert get("/beta/auditLogs/newThings")[0] == 200


def test_the_truth_takes_a_filter_too(service: Service) -> None:
    """`where` leaves out of the truth what a read with that clause does not bring."""
    asked = {"api": NEW.name, "start": f"{DAY}T00:00:00Z", "end": f"{DAY}T06:00:00Z"}
    truth = control(service, "GET", "truth", **asked, where="tag eq 'odd'", version="beta")
    assert sorted(name for name, _ in truth["ids"]) == ["e1", "e3", "e5"]


def test_versions_permission_and_retention_follow(service: Service, get: Get) -> None:
    """Only beta has it; the default application may read it; 30 days are kept."""
    status, answer = get("/v1.0/auditLogs/newThings")
    assert (status, answer["error"]["code"]) == (400, "BadRequest")
    assert "newThings" in answer["error"]["message"]
    assert "NewThings.Read.All" in catalogue.permissions()
    old = "$filter=happenedDateTime ge 2026-10-01T00:00:00Z"
    assert get(f"/beta/auditLogs/newThings?{old}")[0] == 400
    control(service, "PATCH", "settings", retention_days={NEW.name: 90})
    assert get(f"/beta/auditLogs/newThings?{old}")[0] == 200


def test_roles_that_are_named_are_the_only_ones(service: Service) -> None:
    """An application that may not read it is told which permission it lacks."""
    service.graph.settings.applications[CLIENT].roles = ["AuditLog.Read.All"]
    status, answer = asker(service)("/beta/auditLogs/newThings")
    assert (status, "NewThings.Read.All" in answer["error"]["message"]) == (403, True)


def test_added_sign_ins_go_to_their_kind(service: Service, get: Get) -> None:
    """What names a kind is among those alone; what names none is interactive."""
    at = "2026-11-20T11:59:59.9999999Z"
    events = [
        {"id": "batch", "createdDateTime": at, "signInEventTypes": ["nonInteractiveUser"]},
        {"id": "plain", "createdDateTime": at},
    ]
    control(service, "POST", "events", api="sign_ins", events=events)

    def newest(more: str) -> str:
        query = f"$filter=createdDateTime ge 2026-11-20T11:59:59.9Z{more}&$top=1"
        return str(get(f"/beta/auditLogs/signIns?{query}")[1]["value"][0]["id"])

    assert newest("") == "plain"
    assert newest(" and signInEventTypes/any(t: t eq 'nonInteractiveUser')") == "batch"
