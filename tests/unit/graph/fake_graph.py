"""A tiny Graph in the test's own process: rows, skiptoken pages, and faults at given requests.

For what the emulator is too far away for: exact counting, odd bodies, thousands of plans a second.
"""

import operator
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import orjson
import pytest

from include.entra_logs.api import Api, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.graph import GraphClient, GraphConnection, Limits, client
from include.entra_logs.graph.connection import Secret
from include.entra_logs.source import ReadSummary
from tests.kit.memory_store import MemoryStore, kept, parsed

BY = "createdDateTime"
HOST = "https://graph.test"
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
SIGN_INS = CATALOGUE["sign_ins"]
WINDOW = Window(datetime(2026, 11, 22, 2, tzinfo=UTC), datetime(2026, 11, 22, 4, tzinfo=UTC))

SAYS = {"ge": operator.ge, "le": operator.le, "gt": operator.gt, "lt": operator.lt}

Fault = Callable[[httpx.Request, httpx.Response], httpx.Response]


def rows(count: int, window: Window = WINDOW, by: str = "createdDateTime") -> list[dict[str, Any]]:
    """`count` events spread evenly over the window, some of them at the same instant."""
    step = (window.end - window.start) / max(count, 1)
    found = []
    for i in range(count):
        at = window.start + step * (i - i % 2)
        text = at.replace(tzinfo=None).isoformat(timespec="microseconds").rstrip("0").rstrip(".")
        found.append({"id": f"e{i}", by: f"{text}Z", "n": i})
    return found


@dataclass
class FakeGraph:
    """Answers as Graph does; `faults[n]` changes the answer to the nth request (from 1)."""

    events: list[dict[str, Any]]
    page: int = 10
    by: str = "createdDateTime"
    newest_first: bool = True
    order_by: str = ""
    """`by` unless given."""
    obeys: bool = False
    """Whether `$top` sets the size of its pages."""
    faults: dict[int, Fault] = field(default_factory=dict)
    every: Fault | None = None
    requests: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    headers: list[httpx.Headers] = field(default_factory=list)
    now: datetime = NOW

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The answer, as MockTransport asks for it."""
        self.requests.append(str(request.url))
        self.tokens.append(request.headers["authorization"])
        self.headers.append(request.headers)
        self.now += timedelta(seconds=1)
        response = self._answer(request)
        response.headers["date"] = format_datetime(self.now, usegmt=True)
        fault = self.faults.get(len(self.requests)) or self.every
        return fault(request, response) if fault else response

    def _answer(self, request: httpx.Request) -> httpx.Response:
        query = parse_qs(urlsplit(str(request.url)).query)
        if self.obeys:
            self.page = int(query.get("$top", [self.page])[0])
        text = query["$filter"][0]
        bounds = [(SAYS[word], parsed(at)) for word, at in re.findall(r" ([gl][et]) (\S+Z)", text)]
        assert len(bounds) == 2
        found = [e for e in self.events if all(f(parsed(e[self.by]), at) for f, at in bounds)]
        found.sort(key=lambda e: parsed(e[self.order_by or self.by]), reverse=self.newest_first)
        at = int(query.get("$skiptoken", ["0"])[0])
        body: dict[str, Any] = {"@odata.context": "x", "value": found[at : at + self.page]}
        if at + self.page < len(found):
            base = str(request.url).split("?", maxsplit=1)[0]
            link = f"{base}?$filter={quote(text)}&$skiptoken={at + self.page}"
            body["@odata.nextLink"] = link
        return httpx.Response(200, content=orjson.dumps(body), headers={"request-id": "r"})


class FakeIdentity:
    """Tokens that count themselves."""

    def __init__(self, _: object) -> None:
        self.given = 0
        self.current: str | None = None

    def token(self, *, instead_of: str | None = None) -> str:
        """The current token, a new one instead of the refused."""
        if self.current is None or self.current == instead_of:
            self.given += 1
            self.current = f"token-{self.given}"
        return self.current

    def tenant_id(self) -> str:
        """A guid."""
        return "00000000-0000-0000-0000-000000000001"


def reader(
    graph: FakeGraph,
    monkeypatch: pytest.MonkeyPatch,
    *,
    pace: float = 0,
    limits: Limits | None = None,
) -> GraphClient:
    """A client of the fake; by default it waits for nothing, and shares out slices at once."""
    options = {"transport": httpx.MockTransport(lambda request: _streamed(graph(request)))}
    monkeypatch.setattr(client, "http_options", lambda _: options)
    monkeypatch.setattr(client, "Identity", FakeIdentity)
    connection = GraphConnection(HOST, "https://login.test", None, "s", Secret("id", "secret"))
    return GraphClient(connection, pace=pace, limits=limits, now=lambda: NOW)


class _Bytes(httpx.AsyncByteStream):
    """A body that nobody has read yet, as a network gives it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def _streamed(response: httpx.Response) -> httpx.Response:
    if isinstance(response.stream, _Bytes):
        return response
    return httpx.Response(
        response.status_code, headers=response.headers, stream=_Bytes(response.content)
    )


def respond(status: int, body: bytes = b"", **headers: str) -> Fault:
    """A fault: another answer, with the Date of the real one."""

    def fault(_: httpx.Request, response: httpx.Response) -> httpx.Response:
        given = {"date": response.headers["date"]}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, stream=_Bytes(body), headers=given)

    return fault


def error(status: int, code: str, message: str = "", **headers: str) -> Fault:
    """A fault: Graph's error envelope."""
    body = orjson.dumps({"error": {"code": code, "message": message}})
    return respond(status, body, **headers)


def breaking(kind: type[httpx.HTTPError]) -> Fault:
    """A fault of the network."""

    def fault(request: httpx.Request, _: httpx.Response) -> httpx.Response:
        raise kind("broken", request=request)  # type: ignore[call-arg]

    return fault


def edited(edit: Callable[[dict[str, Any]], Any]) -> Fault:
    """A fault: the same page, its body edited."""

    def fault(_: httpx.Request, response: httpx.Response) -> httpx.Response:
        body = orjson.loads(response.content)
        changed = edit(body)
        headers = {"date": response.headers["date"]}
        content = changed if isinstance(changed, bytes) else orjson.dumps(changed or body)
        return httpx.Response(200, content=content, headers=headers)

    return fault


def read(
    graph: FakeGraph,
    monkeypatch: pytest.MonkeyPatch,
    store: MemoryStore | None = None,
    limits: Limits | None = None,
) -> tuple[MemoryStore, ReadSummary]:
    """One read of the fake without any waiting, and where it went."""
    store = store or MemoryStore()
    with reader(graph, monkeypatch, limits=limits) as found:
        summary = found.read(SIGN_INS, WINDOW, BY, store)
    return store, summary


def read_api(api: Api, graph: FakeGraph, monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """One read of an API whose event time is `BY`."""
    store = MemoryStore()
    with reader(graph, monkeypatch) as found:
        found.read(api, WINDOW, BY, store)
    return store


def ids(store: MemoryStore) -> set[str]:
    """The ids of what the read kept."""
    return {found for found, _ in kept(store, WINDOW, BY, BY)}
