"""A host that means no good, or does not know what it does: bounded effort, bounded memory."""

import gzip
import zlib
from collections.abc import Callable
from itertools import count

import httpx
import pytest

from include.entra_logs.errors import Transient
from include.entra_logs.graph import Limits
from include.entra_logs.graph.body import Body
from tests.kit.memory_store import MemoryStore, tiles
from tests.unit.graph.fake_graph import (
    BY,
    WINDOW,
    FakeGraph,
    edited,
    ids,
    read,
    respond,
    rows,
)

TAKEN: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "none": ("", bytes),
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZip", gzip.compress),
    "gzip and identity": ("identity, gzip", gzip.compress),
    "two members": ("gzip", lambda b: gzip.compress(b[:9]) + gzip.compress(b[9:])),
    "zeros behind": ("gzip", lambda b: gzip.compress(b) + bytes(512)),
}
REFUSED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "twice": ("gzip, gzip", lambda b: gzip.compress(gzip.compress(b))),
    "deflate": ("deflate", zlib.compress),
    "br": ("br", bytes),
    "zstd": ("zstd", bytes),
    "a stack": (", ".join(["gzip"] * 50), bytes),
    "unknown": ("\u00fc\r", bytes),
    "no gzip": ("gzip", bytes),
    "cut": ("gzip", lambda b: gzip.compress(b)[:-9]),
    "text behind": ("gzip", lambda b: gzip.compress(b) + b"text"),
}
PAGE = b'{"value":[]}'


@pytest.mark.parametrize(("encoding", "encode"), TAKEN.values(), ids=TAKEN.keys())
@pytest.mark.parametrize("size", [1, 7, 4096], ids=str)
def test_one_gzip_is_taken(encoding: str, encode: Callable[[bytes], bytes], size: int) -> None:
    """What was asked for, in pieces of any size."""
    body, sent = Body("It", encoding, 1000), encode(PAGE)
    assert all(body.add(sent[n : n + size]) for n in range(0, len(sent), size))
    assert body.whole() == PAGE


@pytest.mark.parametrize(("encoding", "encode"), REFUSED.values(), ids=REFUSED.keys())
def test_other_encodings_are_not(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    """A stack of encodings, another one or a broken one is worth another try, and says so."""
    with pytest.raises(Transient, match=r"It (is|broke off)"):
        _take(Body("It", encoding, 100), encode(PAGE))


def _take(body: Body, sent: bytes) -> bytes:
    body.add(sent)
    return body.whole()


@pytest.mark.parametrize(
    "sent",
    [gzip.compress(bytes(10**7)), gzip.compress(b"") * 100, gzip.compress(bytes(60)) * 2],
    ids=["a bomb", "nothing many times", "two halves"],
)
def test_what_is_inflated_is_bounded(sent: bytes) -> None:
    """Not a byte more than one above the limit is kept, and the rest is not looked at."""
    body = Body("It", "gzip", 100)
    assert not body.add(sent)
    assert len(body.begun()) <= 101


@pytest.mark.parametrize("status", [200, 429, 503, 401], ids=str)
def test_two_gzips_at_any_status(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """The status says what to do where the body can't be read; a page is asked for anew."""
    bomb = gzip.compress(gzip.compress(bytes(10**6)))
    fault = respond(status, bomb, content_encoding="gzip, gzip", retry_after="7")
    graph = FakeGraph(rows(105), faults={2: fault})
    store, _ = read(graph, monkeypatch, limits=Limits(slices=1))
    assert len(ids(store)) == 105


def test_gzip_alone_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request says so."""
    asked = []
    graph = FakeGraph(rows(15))

    def note(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        asked.append(request.headers["accept-encoding"])
        return response

    graph.every = note
    read(graph, monkeypatch)
    assert set(asked) == {"gzip"}


@pytest.mark.parametrize("what", ["the same", "nothing", "in two orders"])
def test_links_that_never_end(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Pages that bring nothing new end the try; what was proven stays for the next one."""
    graph = FakeGraph(rows(205))
    events = rows(205)[-10:]
    numbers = count(10**6)

    def edit(body: dict[str, object]) -> None:
        if len(graph.requests) < 5:
            return
        order = len(graph.requests) % 2 if what == "in two orders" else 0
        body["value"] = [] if what == "nothing" else events[:: -1 if order else 1]
        base, _, query = graph.requests[0].partition("?")
        asked = query.partition("&$top")[0]
        body["@odata.nextLink"] = f"{base}?{asked}&$skiptoken={next(numbers)}"

    graph.every = edited(edit)
    store = MemoryStore()
    with pytest.raises(Transient, match="50 pages in a row brought no new event"):
        read(graph, monkeypatch, store, limits=Limits(slices=1, idle=50))
    assert len(graph.requests) < 60
    assert tiles(store, WINDOW)
    kept = [found for found in store.plan if found.done]
    assert sum(found.pages for found in kept) == 4
    asked = len(graph.requests)
    graph.every = None
    store, _ = read(graph, monkeypatch, store, limits=Limits(slices=1))
    assert ids(store) == {f"e{i}" for i in range(205)}
    assert len(graph.requests) - asked < 22


def test_empty_pages_below_that_are_legal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Graph that answers many empty pages before the next event loses nothing."""
    graph = FakeGraph(rows(35))
    empty = count()

    def some(body: dict[str, object]) -> None:
        if next(empty) % 50 == 49:
            return
        base, _, query = graph.requests[-1].partition("?")
        asked, _, rest = query.partition("&$skiptoken=")
        at = rest.partition("&")[0] or "0"
        body["value"] = []
        number = len(graph.requests)
        body["@odata.nextLink"] = f"{base}?{asked.partition('&$top')[0]}&$skiptoken={at}&n={number}"

    graph.every = edited(some)
    store, _ = read(graph, monkeypatch, limits=Limits(slices=1, idle=60))
    assert ids(store) == {f"e{i}" for i in range(35)}


@pytest.mark.parametrize("span", [1, 3], ids=["itself", "three"])
def test_links_in_a_circle_end_clearly(monkeypatch: pytest.MonkeyPatch, span: int) -> None:
    """The same link again is mended where reading anew helps, and ends as Transient soon."""
    graph = FakeGraph(rows(105))
    base = f"https://graph.test/v1.0/auditLogs/signIns?$filter={BY} ge 2026-11-22T02:00:00Z and "
    links = [f"{base}{BY} le 2026-11-22T04:00:00Z&$skiptoken={n}" for n in (10, 20, 30)]
    graph.every = edited(
        lambda body: body.update({"@odata.nextLink": links[len(graph.requests) % span]})
    )
    store = MemoryStore()
    with pytest.raises(Transient, match="lead in a circle"):
        read(graph, monkeypatch, store)
    assert len(graph.requests) < 500
    assert tiles(store, WINDOW)


LINKS = {
    "long": "https://graph.test/v1.0/x?$skiptoken=" + "x" * 9000,
    "newline": "https://graph.test/v1.0/x\n?$skiptoken=1",
    "tab": "https://gra\tph.test/v1.0/x?$skiptoken=1",
    "not ASCII": "https://graph.test/v1.0/\u00fc?$skiptoken=1",
    "bracket": "https://[graph.test/v1.0/x",
    "port": "https://graph.test:70000/v1.0/x",
    "relative": "/v1.0/x?$skiptoken=1",
    "backslash": "https://graph.test\\@evil.test/v1.0/x",
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS.keys())
def test_a_link_that_is_none(monkeypatch: pytest.MonkeyPatch, link: str) -> None:
    """Once, it costs nothing; always, it ends as Transient; it is never followed."""
    fault = edited(lambda body: body.update({"@odata.nextLink": link}))
    graph = FakeGraph(rows(35), faults={2: fault})
    store, _ = read(graph, monkeypatch)
    assert len(ids(store)) == 35
    graph = FakeGraph(rows(35), every=fault)
    with pytest.raises(Transient):
        read(graph, monkeypatch)
    assert len(graph.requests) < 50


def test_cookies_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that sets cookies gets none back, and they take no memory."""
    seen = []
    graph = FakeGraph(rows(35))

    def sweet(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        seen.append(request.headers.get("cookie"))
        response.headers["set-cookie"] = f"c{len(seen)}=1; Path=/"
        return response

    graph.every = sweet
    read(graph, monkeypatch)
    assert set(seen) == {None}
