"""Whatever a host does, what leaves the client is an error that says what to do next."""

import asyncio
import contextlib
import gzip
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.utils import format_datetime
from typing import Any

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from include.entra_logs.errors import EntraLakeError, Refused, Transient
from include.entra_logs.graph import GraphClient, GraphConnection, Limits, client, identity
from include.entra_logs.graph.connection import Secret
from include.entra_logs.graph.identity import Identity
from tests.kit.budget import counted
from tests.kit.memory_store import MemoryStore
from tests.unit.graph.fake_graph import BY, NOW, SIGN_INS, WINDOW, FakeIdentity

LIMITS = Limits(connect=5, quiet=1, whole_page=5, attempts=2, barren=4, forbidden=2)
DATE = format_datetime(NOW, usegmt=True)


@dataclass
class Wire:
    """A server of bytes: sends `answer` to whatever comes, and closes."""

    answer: bytes = b""
    document: bytes = b""
    """The answer to the question where tokens come from; `answer` if empty."""
    tls: ssl.SSLContext | None = None
    port: int = 0
    ready: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Of this server."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    async def serve(self, ended: asyncio.Event) -> None:
        """Answer until the end."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        async with server:
            await ended.wait()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length or 0))
            discovery = b".well-known" in head.partition(b"\r\n")[0]
            writer.write(self.document if discovery and self.document else self.answer)
            await writer.drain()
            writer.close()


@contextlib.contextmanager
def serving(made: Wire) -> Iterator[Wire]:
    """That server, in a thread of its own."""
    loop, ended = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(made.serve(ended)))
    thread.start()
    made.ready.wait()
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    """One server for all tests here."""
    with serving(Wire()) as made:
        yield made


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, GraphConnection]]:
    """The login host, over TLS, and the connection that trusts it."""
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with serving(Wire(tls=tls)) as made:
        given = connection(made, verify=str(path), disable_instance_discovery=True)
        yield made, given


def connection(wire: Wire, **fields: Any) -> GraphConnection:
    """Graph and login host are that server."""
    tenant = "00000000-0000-0000-0000-000000000001"
    made = GraphConnection(wire.url, wire.url, tenant, "s", Secret("id", "secret"))
    return replace(made, **fields)


def read(wire: Wire, answer: bytes, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> str:
    """How both verbs end on that answer: `done`, or the error of the tree; all else is raised."""
    monkeypatch.setattr(client, "Identity", FakeIdentity)
    wire.answer = answer
    with GraphClient(connection(wire, **fields), pace=0, limits=LIMITS) as opened:
        try:
            opened.authenticate(SIGN_INS, WINDOW, BY)
            opened.read(SIGN_INS, WINDOW, BY, MemoryStore())
        except EntraLakeError as error:
            lines = str(error).splitlines()
            return type(error).__name__ if len(lines) == 1 else "\n".join(lines)
        return "done"


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A response, with the headers given after those that every one has."""
    lines = [f"HTTP/1.1 {status}", f"Date: {DATE}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


PAGE = b'{"value":[{"id":"a","createdDateTime":"2026-11-22T03:00:00.1234567Z"}]}'


@pytest.mark.timeout(300)
def test_closed_at_each_byte(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that ends anywhere within an answer is worth another try."""
    whole = http(PAGE, "200 OK", "Content-Type: application/json")
    for length in range(0, len(whole), counted(quick=5, ci=1)):
        assert read(wire, whole[:length], monkeypatch) == "Transient", length
    assert read(wire, whole, monkeypatch) == "done"


ANSWERS = {
    "no HTTP": b"\x16\x03\x01\x00\xa5" * 20,
    "HTTP/2": b"HTTP/2 200 OK\r\n\r\n",
    "no end of headers": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000,
    "status 0": http(PAGE, "0 OK"),
    "status 999": http(PAGE, "999 OK"),
    "status 204": http(b"", "204 OK"),
    "a header of noise": http(PAGE, "200 OK", "\xff\xfe: \xff"),
    "two lengths": http(PAGE, "200 OK", "Content-Length: 5"),
    "a length below 0": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "chunked noise": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n",
    "redirect to nowhere": http(b"", "302 Found", "Location: http://[::"),
    "redirect of noise": http(b"", "302 Found", "Location: \xff\xfe"),
    "redirect to itself": http(b"", "302 Found", "Location: /"),
    "cookies": http(PAGE, "200 OK", "Set-Cookie: \xff=\xff; expires=never; max-age=x"),
    "a charset": http(PAGE, "200 OK", "Content-Type: text/plain; charset=no-such"),
    "a date beyond": http(PAGE, "200 OK").replace(DATE.encode(), b"Fri, 31 Dec 9999 23:59:59 -1"),
    "no date": http(PAGE).replace(DATE.encode(), b"today"),
    "deep": http(b'{"value":' + b"[" * 10**6),
    "deep error": http(b'{"error":' + b"[" * 10**5, "400 Bad"),
    "error of lists": http(b'{"error":{"code":[],"message":7}}', "400 Bad"),
    "a number": http(b"7"),
    "a long time": http(b'{"value":[{"id":"a","createdDateTime":"%sZ"}]}' % (b"9" * 10**5)),
    "a time of lists": http(b'{"value":[{"id":[],"createdDateTime":[[]]}]}'),
    "a last time": http(b'{"value":[{"id":"a","createdDateTime":"9999-12-31T23:59:59.999999Z"}]}'),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_odd_answers(wire: Wire, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    """Each ends as done or as an error of the tree, and in one line."""
    assert read(wire, answer, monkeypatch) in ("done", "Transient", "Refused")


@pytest.mark.timeout(600)
@settings(max_examples=counted(quick=40, ci=400))
@given(
    status=st.integers(100, 999),
    headers=st.dictionaries(
        st.sampled_from(["Retry-After", "Date", "Content-Encoding", "Location", "Set-Cookie",
                         "request-id", "Transfer-Encoding", "Connection"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30), max_size=4,
    ),
    body=st.binary(max_size=60) | st.sampled_from([PAGE, b"{}", b"null", b'{"value":[null]}']),
)  # fmt: skip
def test_any_answer(wire: Wire, status: int, headers: dict[str, str], body: bytes) -> None:
    """Any status, headers and body: an error of the tree, or done."""
    lines = [f"{name}: {text}" for name, text in headers.items()]
    with pytest.MonkeyPatch.context() as patch:
        read(wire, http(body, f"{status} X", *lines), patch)


HOSTS = {
    "a label too long": "https://" + "a" * 70 + ".test",
    "an empty label": "https://graph..test",
    "not ASCII": "https://gr\u00e4ph.te\u00dft.\u2028x",
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS.keys())
def test_a_host_that_is_no_name(wire: Wire, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """A host that can't be looked up is refused by the field's name, or can't be reached."""
    assert read(wire, b"", monkeypatch, host=host) in ("Refused", "Transient")


@pytest.mark.parametrize("proxy", ["proxy:3128", "ftp://proxy", "socks5://proxy"])
def test_a_proxy_that_is_none(wire: Wire, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """A proxy that is no URL is refused by the field's name."""
    monkeypatch.setattr(client, "Identity", FakeIdentity)
    given = connection(wire, proxies={"http": proxy})
    with pytest.raises(Refused, match=r"extra.proxies"), GraphClient(given, pace=0) as opened:
        opened.authenticate(SIGN_INS, WINDOW, BY)


TOKEN = b'{"access_token":"t","expires_in":3599,"token_type":"Bearer"}'
LOGIN = {
    "nothing": b"",
    "html": http(b"<html>", "200 OK", "Content-Type: text/html"),
    "list": http(b"[]", "200 OK", "Content-Type: application/json"),
    "number": http(b"7", "200 OK", "Content-Type: application/json"),
    "deep": http(b"[" * 10**5, "200 OK", "Content-Type: application/json"),
    "endless": http(TOKEN.replace(b"3599", b"1e999")),
    "no time": http(TOKEN.replace(b"3599", b'"soon"')),
    "no header": http(TOKEN.replace(b'"t"', b'"a\\r\\nb"')),
    "not ASCII": http(TOKEN.replace(b'"t"', b'"\\u00e4"')),
    "error of lists": http(b'{"error":[],"error_description":{}}', "400 Bad"),
    "error of nothing": http(b'{"error":null}', "400 Bad"),
    "throttled for ever": http(b"{}", "429 X", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"),
    "throttled soon": http(b"{}", "503 X", "Retry-After: soon"),
    "gzip twice": http(TOKEN, "200 OK", "Content-Encoding: gzip, gzip"),
    "large": http(b" " * 2_000_000),
}


def document(login: Wire) -> bytes:
    """Where this login host gives tokens."""
    ends = ("authorization_endpoint", "token_endpoint", "issuer")
    body = json.dumps({name: f"{login.url}/{name}" for name in ends}).encode()
    return http(body, "200 OK", "Content-Type: application/json")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("place", ["token", "document"])
@pytest.mark.parametrize("answer", LOGIN.values(), ids=LOGIN.keys())
def test_odd_answers_of_the_login_host(
    login: tuple[Wire, GraphConnection], monkeypatch: pytest.MonkeyPatch, answer: bytes, place: str
) -> None:
    """The same for the token: bounded in memory and in time."""
    pauses: list[float] = []
    monkeypatch.setattr("include.entra_logs.graph.login.time.sleep", pauses.append)
    server, given = login
    server.answer, server.document = answer, document(server) if place == "token" else b""
    with pytest.raises((Transient, Refused)) as caught:
        Identity(given).token()
    assert len(str(caught.value).splitlines()) == 1
    assert max(pauses, default=0) <= 30
    assert len(pauses) <= 4


@pytest.mark.parametrize(
    ("answer", "text"),
    [(LOGIN["large"], "larger than 1048576 bytes"), (LOGIN["gzip twice"], "not asked for")],
    ids=["large", "gzip twice"],
)
def test_what_the_login_host_sends_is_bounded(
    login: tuple[Wire, GraphConnection], answer: bytes, text: str
) -> None:
    """It is not taken into memory, and the sentence says which field to look at."""
    server, given = login
    server.answer, server.document = answer, document(server)
    with pytest.raises(Transient, match=text):
        Identity(given).token()


def test_a_token_comes_by_the_bounded_way(login: tuple[Wire, GraphConnection]) -> None:
    """Plain or in one gzip."""
    server, given = login
    server.document = document(server)
    kind = "Content-Type: application/json"
    for answer in (
        http(TOKEN, "200 OK", kind),
        http(gzip.compress(TOKEN), "200 OK", kind, "Content-Encoding: gzip"),
    ):
        server.answer = answer
        assert Identity(given).token() == "t"


@pytest.mark.parametrize("answer", [*LOGIN.values(), http(b'{"issuer":[]}')], ids=[*LOGIN, "lists"])
def test_odd_answers_of_discovery(login: tuple[Wire, GraphConnection], answer: bytes) -> None:
    """The same for the tenant's guid."""
    server, given = login
    server.answer, server.document = answer, b""
    with pytest.raises((Transient, Refused)) as caught:
        identity._discover(replace(given, tenant="lakeside.example"))
    assert len(str(caught.value).splitlines()) == 1
