"""Faults of every kind, alone and lasting, against a Graph in this process."""

import httpx
import pytest

from include.entra_logs.errors import EntraLakeError, PastRetention, Refused, Throttled, Transient
from include.entra_logs.graph import Limits
from tests.kit.memory_store import MemoryStore, kept
from tests.unit.graph.fake_graph import (
    BY,
    SIGN_INS,
    WINDOW,
    FakeGraph,
    Fault,
    breaking,
    edited,
    error,
    ids,
    read,
    reader,
    respond,
    rows,
)

FAULTS = {
    "429": error(429, "TooManyRequests", retry_after="2.128"),
    "429 without Retry-After": error(429, "UnknownError"),
    "500": error(500, "x"),
    "503": error(503, "x", retry_after="1"),
    "504": error(504, "x"),
    "401": error(401, "InvalidAuthenticationToken"),
    "403": error(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"),
    "stale": error(400, "", "Invalid Skip Token"),
    "reset": breaking(httpx.ReadError),
    "half": breaking(httpx.RemoteProtocolError),
    "connect": breaking(httpx.ConnectError),
    "hang": breaking(httpx.ReadTimeout),
    "html": respond(200, b"<html>"),
    "nothing": respond(200, b""),
    "utf8": edited(lambda _: b'{"value":[{"id":"\xff"}]}'),
    "truncated": edited(lambda _: b'{"value":[{"id":'),
    "mid-body": edited(lambda _: b'{"value":[{"id":"S"{ "error": {"code":"BadRequest"}}]}'),
    "error item": edited(lambda body: body["value"].append({"error": {"code": "x"}})),
    "error beside": edited(lambda body: body.update(error={"code": "x"})),
    "no value": edited(lambda body: body.pop("value") and {"a": 1}),
    "null value": edited(lambda body: body.update(value=None)),
    "object value": edited(lambda body: body.update(value={})),
    "foreign": edited(lambda b: b.update({"@odata.nextLink": "https://evil.test/v1.0/x"})),
    "port": edited(lambda b: b.update({"@odata.nextLink": "https://graph.test:444/v1.0/x"})),
    "scheme": edited(lambda b: b.update({"@odata.nextLink": "http://graph.test/v1.0/x"})),
    "userinfo": edited(lambda b: b.update({"@odata.nextLink": "https://a@graph.test/v1.0"})),
    "empty link": edited(lambda b: b.update({"@odata.nextLink": ""})),
    "number link": edited(lambda b: b.update({"@odata.nextLink": 7})),
}


@pytest.mark.parametrize("at", [1, 4, 11], ids=["first", "middle", "last"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_one_fault_costs_nothing(monkeypatch: pytest.MonkeyPatch, fault: Fault, at: int) -> None:
    """Each kind of fault, once, at the first, a middle and the last page: every event comes."""
    graph = FakeGraph(rows(105), faults={at: fault})
    store, _ = read(graph, monkeypatch, limits=Limits(slices=1))
    assert ids(store) == {f"e{i}" for i in range(105)}
    assert all(url.startswith("https://graph.test/v1.0/") for url in graph.requests)
    assert not any(b'"error"' in page.body for page in store.stored.values())


LASTING = {
    "429": (error(429, "x"), Throttled),
    "500": (error(500, "x"), Transient),
    "504": (error(504, "x"), Transient),
    "401": (error(401, "x"), Refused),
    "403": (error(403, "Authentication_MSGraphPermissionMissing"), Refused),
    "400": (error(400, "BadRequest", "Invalid filter clause"), PastRetention),
    "404": (error(404, "x"), Refused),
    "302": (respond(302, location="https://evil.test"), Refused),
    "hang": (breaking(httpx.ReadTimeout), Transient),
    "html": (respond(200, b"<html>"), Transient),
    "null value": (edited(lambda body: body.update(value=None)), Transient),
    "foreign": (edited(lambda b: b.update({"@odata.nextLink": "https://evil.test/"})), Transient),
}


@pytest.mark.parametrize(("fault", "kind"), LASTING.values(), ids=LASTING.keys())
def test_lasting_fault_ends_as_its_kind(
    monkeypatch: pytest.MonkeyPatch, fault: Fault, kind: type[Exception]
) -> None:
    """A fault that does not go away ends the read with its error, after a bounded effort."""
    graph = FakeGraph(rows(105), every=fault)
    with pytest.raises(kind):
        read(graph, monkeypatch)
    assert len(graph.requests) < 200


def test_a_new_token_once_for_all_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices that find their token expired share one new token."""
    graph = FakeGraph(rows(400))

    def expired(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.headers["authorization"] == "Bearer token-1" and len(graph.requests) > 10:
            return error(401, "InvalidAuthenticationToken")(request, response)
        return response

    graph.every = expired
    store, _ = read(graph, monkeypatch)
    assert len(ids(store)) == 400
    assert set(graph.tokens) == {"Bearer token-1", "Bearer token-2"}


def test_by_another_time_than_the_event_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read by another time trusts no order: Graph may sort by the event time all the same."""
    events = rows(105)
    for n, event in enumerate(events):  # looks newest first on the first pages, and is not
        event["lastUpdatedDateTime"] = event[BY] if n > 50 else events[-1 - n][BY]
    graph = FakeGraph(events, by="lastUpdatedDateTime", order_by=BY)
    graph.faults = {5: error(400, "", "Invalid Skip Token"), 9: breaking(httpx.ReadTimeout)}
    store = MemoryStore()
    with reader(graph, monkeypatch) as client:
        client.read(SIGN_INS, WINDOW, "lastUpdatedDateTime", store)
    assert len(kept(store, WINDOW, "lastUpdatedDateTime", BY)) == 105


def test_a_window_too_wide_is_halved_to_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Graph that answers nothing wider than two seconds is read all the same."""
    window = type(WINDOW)(WINDOW.start, WINDOW.start.replace(minute=1))
    graph = FakeGraph(rows(120, window))

    def narrow(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        text = httpx.QueryParams(request.url.query)["$filter"]
        start, end = (part.split(" ")[0] for part in text.replace("le", "ge").split("ge ")[1:])
        wide = httpx and (_seconds(end) - _seconds(start)) % 86400 > 2
        return breaking(httpx.ReadTimeout)(request, response) if wide else response

    graph.every = narrow
    store = MemoryStore()
    with reader(graph, monkeypatch) as client:
        client.read(SIGN_INS, window, BY, store)
    assert len(kept(store, window, BY, BY)) == 120


def _seconds(text: str) -> float:
    hours, minutes, seconds = text.split("T")[1].rstrip("Z").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def test_odd_events_do_not_stop_a_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events without id or time, no objects at all, lone surrogates: kept as they came."""
    odd = b'{"value":[{},{"id":1,"createdDateTime":null},null,7,"x"]}'
    lone = b'{"value":[{"id":"a","x":"\\ud800"}]}'
    for body, count in ((odd, 5), (lone, 1), (b'{"value":[{"error":null}]}', 1)):
        graph = FakeGraph([], every=respond(200, body))
        store, summary = read(graph, monkeypatch)
        assert store.stored["000001", 1].body == body
        assert summary.events == count


def test_errors_hold_no_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of an error never holds what the server wrote."""
    graph = FakeGraph(rows(20))
    for status in (400, 401, 403, 404, 418, 500):
        graph.every = respond(status, b'{"error":{"code":"C","message":"e1 secret body"}}')
        with pytest.raises(EntraLakeError) as caught:
            read(graph, monkeypatch)
        assert "secret body" not in str(caught.value)


def test_a_long_retry_after_is_handed_on_and_the_read_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An hour of Retry-After ends the try at once; the next one goes on with what it has."""
    graph = FakeGraph(rows(205), faults={9: error(429, "x", retry_after="3600")})
    store = MemoryStore()
    with pytest.raises(Throttled) as caught:
        read(graph, monkeypatch, store, Limits(slices=1))
    assert caught.value.wait == 3600
    store, summary = read(graph, monkeypatch, store, Limits(slices=1))
    assert len(ids(store)) == 205
    assert summary.requests == 21 - 8
