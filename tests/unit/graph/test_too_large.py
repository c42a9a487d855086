"""Pages of more bytes than are taken into memory: fewer events are asked for, none is lost."""

import re

import pytest

from include.entra_logs.api import Window
from include.entra_logs.errors import Refused
from include.entra_logs.graph import Limits, answers
from tests.kit.memory_store import MemoryStore, kept, parsed, tiles
from tests.unit.graph.fake_graph import (
    BY,
    SIGN_INS,
    WINDOW,
    FakeGraph,
    ids,
    read,
    reader,
    respond,
    rows,
)

LIMITS = Limits(body=10_000, slices=2)


def large(every: int = 1000, last: int = 0) -> list[dict[str, object]]:
    """205 events of about a kilobyte, and a larger one."""
    events = rows(205)
    for event in events:
        event["x"] = "x" * every
    events[100]["x"] = "x" * max(every, last)
    return events


@pytest.mark.parametrize("order", ["newest first", "oldest first"])
def test_a_page_too_large_is_asked_for_in_parts(
    monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """`$top` is halved until the pages are small enough, and stays so for the rest of the read."""
    graph = FakeGraph(large(), newest_first=order == "newest first", obeys=True)
    store, _ = read(graph, monkeypatch, limits=LIMITS)
    assert ids(store) == {f"e{i}" for i in range(205)}
    assert tiles(store, WINDOW)
    tops = [int(top) for url in graph.requests for top in re.findall(r"\$top=(\d+)", url)]
    assert tops[:8] == [1000, 500, 250, 125, 62, 31, 15, 7]
    assert set(tops[8:]) <= {7}


def test_a_larger_one_behind_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before it stays, the rest is read by smaller pages."""
    graph = FakeGraph(large(100, last=9_700), obeys=True)
    store, _ = read(graph, monkeypatch, limits=LIMITS)
    assert ids(store) == {f"e{i}" for i in range(205)}
    assert tiles(store, WINDOW)


def test_an_event_too_large_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused in one sentence; the two runs that the sentence names bring all the others."""
    graph = FakeGraph(large(last=20_000), obeys=True)
    with pytest.raises(Refused, match=r"larger than 10000 bytes.*one event a page") as caught:
        read(graph, monkeypatch, limits=LIMITS)
    end, start = (parsed(at) for at in re.findall(r"(?:end|start) (\S+Z)", str(caught.value)))
    found: set[str] = set()
    with reader(graph, monkeypatch, limits=LIMITS) as client:
        for window in (Window(WINDOW.start, end), Window(start, WINDOW.end)):
            store = MemoryStore()
            client.read(SIGN_INS, window, BY, store)
            found |= {name for name, _ in kept(store, window, BY, BY)}
    assert {f"e{i}" for i in range(205)} - found == {"e100", "e101"}  # of the same instant


def test_a_host_that_does_not_obey(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that stay too large whatever is asked for are refused after a bounded effort."""
    graph = FakeGraph(rows(20), every=respond(200, b" " * 20_000))
    with pytest.raises(Refused, match="larger than 10000 bytes"):
        read(graph, monkeypatch, limits=LIMITS)
    assert len(graph.requests) < 60


def test_too_many_values_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is small as bytes and large as values is asked for in parts as well."""
    monkeypatch.setattr(answers, "MOST_COMMAS", 60)
    graph = FakeGraph(rows(205), obeys=True)
    store, _ = read(graph, monkeypatch)
    assert ids(store) == {f"e{i}" for i in range(205)}
    assert graph.page == 15


def test_access_is_proven_by_an_event_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the app may read is not in doubt where the one row of the proof is too large."""
    graph = FakeGraph(large(20_000), obeys=True)
    with reader(graph, monkeypatch, limits=LIMITS) as client:
        access = client.authenticate(SIGN_INS, WINDOW, BY)
    assert access.asked_at == graph.now
