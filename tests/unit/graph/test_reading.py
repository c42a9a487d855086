"""The read as a whole, against a Graph in this process."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import httpx
import pytest

from include.entra_logs.graph import Limits
from include.entra_logs.source import Page
from tests.kit.memory_store import MemoryStore, tiles
from tests.unit.graph.fake_graph import (
    BY,
    NOW,
    WINDOW,
    FakeGraph,
    edited,
    error,
    ids,
    read,
    rows,
)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 205], ids=str)
def test_every_event_once(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Any number of pages: exactly the events of the half-open window."""
    graph = FakeGraph(rows(count))
    store, summary = read(graph, monkeypatch)
    assert ids(store) == {f"e{i}" for i in range(count)}
    assert tiles(store, WINDOW)
    assert summary.requests == len(graph.requests)


def test_empty_window_costs_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty window is one request."""
    graph = FakeGraph([])
    _, summary = read(graph, monkeypatch)
    assert (summary.requests, summary.events, summary.pages) == (1, 0, 1)
    assert len(graph.requests) == 1


def test_edges_are_half_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start belongs to the window, the end does not, whatever the seventh digit says."""
    times = [
        "02:00:00Z",
        "02:00:00.0000001Z",
        "03:59:59.9999999Z",
        "04:00:00Z",
        "01:59:59.9999999Z",
    ]
    graph = FakeGraph([{"id": t, BY: f"2026-11-22T{t}"} for t in times])
    store, _ = read(graph, monkeypatch)
    assert ids(store) == set(times[:3])


def test_slices_cover_fractions_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """No event between two slices is lost, with events at every fraction around whole seconds."""
    events = []
    for i in range(300):
        second = f"2026-11-22T02:{i // 60:02d}:{i % 60:02d}"
        events += [
            {"id": f"{i}a", BY: f"{second}Z"},
            {"id": f"{i}b", BY: f"{second}.9999999Z"},
            {"id": f"{i}c", BY: f"{second}.0000001Z"},
        ]
    graph = FakeGraph(events, page=7)
    store, _ = read(graph, monkeypatch)
    assert ids(store) == {event["id"] for event in events}
    assert len(store.plan) > 4


def test_all_events_at_one_instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window whose events share one instant can't be sliced and is read by links."""
    graph = FakeGraph([{"id": str(i), BY: "2026-11-22T03:00:00Z"} for i in range(95)])
    store, _ = read(graph, monkeypatch)
    assert len(ids(store)) == 95


@pytest.mark.parametrize("order", ["newest first", "oldest first"])
def test_order_is_not_trusted(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    """A Graph that pages oldest first loses nothing, even when every link dies once."""
    faults = {n: error(400, "", "Invalid Skip Token") for n in (3, 5, 8, 13, 21)}
    graph = FakeGraph(rows(205), newest_first=order == "newest first", faults=faults)
    store, _ = read(graph, monkeypatch)
    assert ids(store) == {f"e{i}" for i in range(205)}
    assert tiles(store, WINDOW)


@pytest.mark.parametrize("dies_at", range(1, 22, 2))
def test_killed_read_goes_on(monkeypatch: pytest.MonkeyPatch, dies_at: int) -> None:
    """A killed read goes on where it was, and read_at stays that of the very first page.

    Each page is asked for once, but for those in flight.
    """
    graph = FakeGraph(rows(205))
    store = MemoryStore()

    class Killed(BaseException):
        pass

    def kill(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if len(graph.requests) == dies_at:
            raise Killed
        return response

    graph.every = kill
    with pytest.raises(Killed):
        read(graph, monkeypatch, store)
    graph.every = None
    store, summary = read(graph, monkeypatch, store)
    assert ids(store) == {f"e{i}" for i in range(205)}
    assert tiles(store, WINDOW)
    assert summary.pages == sum(found.pages for found in store.plan)
    twice = sum(n - 1 for n in Counter(graph.requests).values())
    assert twice <= Limits().slices
    if dies_at > 1 + Limits().slices:
        assert (summary.read_at - NOW).total_seconds() == 1


def test_dead_link_after_a_kill_reads_only_that_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the stored link has died meanwhile, what was read stays and the rest is read anew."""
    graph = FakeGraph(rows(205))
    store = MemoryStore()

    def kill(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if len(graph.requests) == 11:
            raise KeyboardInterrupt
        return response

    graph.every = kill
    with pytest.raises(KeyboardInterrupt):
        read(graph, monkeypatch, store, limits=Limits(slices=1))
    graph.every = None
    graph.faults = {12: error(400, "", "Invalid Skip Token")}
    store, _ = read(graph, monkeypatch, store, limits=Limits(slices=1))
    assert ids(store) == {f"e{i}" for i in range(205)}
    assert len(graph.requests) <= 12 + 11 + 4


def test_keep_is_shrunk_only_by_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a page was not newest first, a dead link makes the whole slice be read again."""
    events = rows(205)
    graph = FakeGraph(events, faults={12: error(400, "", "Invalid Skip Token")})
    graph.faults[2] = edited(lambda body: body["value"].reverse())
    store, summary = read(graph, monkeypatch, limits=Limits(slices=1))
    assert ids(store) == {f"e{i}" for i in range(205)}
    assert "000001" not in {found.id for found in store.plan}
    assert (summary.read_at - NOW).total_seconds() == 1  # of the first page, though it is gone


def test_only_documented_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """`$filter` with ge and le, `$top` at the documented maximum, nothing else."""
    graph = FakeGraph(rows(205))
    read(graph, monkeypatch)
    for url in graph.requests:
        query = httpx.URL(url).params
        assert set(query) <= {"$filter", "$top", "$skiptoken"}
        assert query.get("$top", "1000") == "1000"
        assert " gt " not in query["$filter"]
        assert " lt " not in query["$filter"]


def test_log_has_one_line_a_slice_and_no_event(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One line per slice, one for the read; neither event nor token in it."""
    caplog.set_level("INFO")
    graph = FakeGraph(rows(205))
    store, _ = read(graph, monkeypatch)
    lines = [record.getMessage() for record in caplog.records if "entra_logs" in record.name]
    assert len(lines) == len(store.plan) + 1
    assert not any("token-" in line or '"e1' in line for line in lines)


def test_sharing_wastes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices read side by side cost at most a few pages more than one after the other."""
    graph = FakeGraph(rows(2000))
    _, summary = read(graph, monkeypatch, limits=Limits(slices=4))
    assert 200 <= summary.requests <= 230


def test_plan_is_saved_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page of a slice is stored that the saved plan does not know."""
    graph = FakeGraph(rows(405))
    store = MemoryStore()
    known = []
    original = store.save_page

    def save_page(page: Page) -> None:
        known.append(page.slice_id in {found.id for found in store.plan})
        original(page)

    monkeypatch.setattr(store, "save_page", save_page)
    read(graph, monkeypatch, store)
    assert all(known)
    assert all(a < b for a, b in pairwise(sorted(found.id for found in store.plan)))


@pytest.mark.parametrize(
    ("ahead", "believed"),
    [
        pytest.param(timedelta(minutes=14), True, id="a little ahead"),
        pytest.param(timedelta(days=4), False, id="days ahead"),
        pytest.param(-timedelta(days=4), False, id="days behind"),
        pytest.param(timedelta(days=2_900_000), False, id="the year 9966"),
    ],
)
def test_a_clock_that_is_far_from_ours_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
    ahead: timedelta,
    believed: bool,  # noqa: FBT001  a parameter
) -> None:
    """Then a read is dated by the worker, and the difference is kept."""
    graph = FakeGraph(rows(3), now=NOW + ahead)
    _, summary = read(graph, monkeypatch)
    assert summary.read_at == (graph.now if believed else NOW)
    assert summary.skew == pytest.approx((graph.now - NOW).total_seconds(), abs=2)
