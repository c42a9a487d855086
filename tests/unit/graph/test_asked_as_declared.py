"""What an API's declaration says of its requests is what Graph is asked: where, bounds, headers."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from include.entra_logs.api import Api, Window
from include.entra_logs.catalogue import CATALOGUE
from include.graph_emulator.process import Emulator
from tests.kit.emulated import CALM, client, found
from tests.kit.memory_store import MemoryStore, bodies
from tests.unit.graph.fake_graph import BY, SIGN_INS, FakeGraph, ids, read_api, rows

KIND = "signInEventTypes/any(t: t eq 'nonInteractiveUser')"
BETA = replace(SIGN_INS.table, name="non_interactive_sign_ins", version="beta")
NON_INTERACTIVE = replace(SIGN_INS, table=BETA, where=KIND)
GT_LT = replace(SIGN_INS, bounds="gt/lt")
EDGES = Window(datetime(2026, 11, 12, 8, tzinfo=UTC), datetime(2026, 11, 12, 10, tzinfo=UTC))


def test_where_is_anded_to_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clause stands behind the window in one `$filter`, percent-encoded to the last quote."""
    graph = FakeGraph([])
    read_api(NON_INTERACTIVE, graph, monkeypatch)
    parts = urlsplit(graph.requests[0])
    assert parts.path == "/beta/auditLogs/signIns"
    assert parts.query == (
        f"$filter={BY}%20ge%202026-11-22T02%3A00%3A00Z%20and%20{BY}%20le%202026-11-22T04%3A00%3A00Z"
        "%20and%20signInEventTypes%2Fany%28t%3A%20t%20eq%20%27nonInteractiveUser%27%29&$top=1000"
    )


def test_where_brings_its_kind_alone(emulator: Emulator) -> None:
    """Every page of beta's sign-ins of the window, all of one kind, as many as the truth has."""
    window = Window(datetime(2026, 11, 20, 9, tzinfo=UTC), datetime(2026, 11, 20, 10, tzinfo=UTC))
    store = MemoryStore()
    with client(emulator, CALM) as graph:
        summary = graph.read(NON_INTERACTIVE, window, BY, store)
    events = [e for _, body in bodies(store) for e in orjson.loads(body)["value"]]
    assert {kind for event in events for kind in event["signInEventTypes"]} == {
        "nonInteractiveUser"
    }
    truth = emulator.truth("sign_ins", window.start, window.end, where=KIND, version="beta")
    assert found(store, NON_INTERACTIVE, window) == truth.ids
    assert summary.pages > 1


def test_gt_and_lt_are_widened_by_a_microsecond(monkeypatch: pytest.MonkeyPatch) -> None:
    """On both ends, so that an exclusive `gt` still brings what lies on the start."""
    times = [
        "01:59:59.9999999Z",
        "02:00:00Z",
        "02:00:00.0000001Z",
        "03:59:59.9999999Z",
        "04:00:00Z",
    ]
    graph = FakeGraph([{"id": t, BY: f"2026-11-22T{t}"} for t in times])
    store = read_api(GT_LT, graph, monkeypatch)
    assert ids(store) == set(times[1:4])
    query = urlsplit(graph.requests[0]).query
    assert f"{BY}%20gt%202026-11-22T01%3A59%3A59.999999Z" in query
    assert f"{BY}%20lt%202026-11-22T04%3A00%3A00.000001Z" in query


def test_gt_and_lt_in_many_slices_bring_every_event_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices meet without gap, with events on their borders."""
    graph = FakeGraph(rows(205))
    assert ids(read_api(GT_LT, graph, monkeypatch)) == {f"e{i}" for i in range(205)}


@pytest.mark.parametrize("name", ["directory_audits", "risk_detections"])
def test_the_edges_are_right_whatever_gt_means(emulator: Emulator, name: str) -> None:
    """On the start kept, on the end cut; audits' `gt` is exclusive, risk detections' inclusive."""
    api: Api = replace(CATALOGUE[name], bounds="gt/lt")
    by = api.table.event_time
    edges = ("07:59:59.9999999Z", "08:00:00Z", "09:59:59.9999999Z", "10:00:00Z")
    events: list[dict[str, Any]] = [
        {"id": f"edge {at}", by: f"2026-11-12T{at}", "lastUpdatedDateTime": f"2026-11-12T{at}"}
        for at in edges
    ]
    emulator.add_events(name, events)
    store = MemoryStore()
    with client(emulator, CALM) as graph:
        graph.read(api, EDGES, by, store)
    kept = found(store, api, EDGES)
    assert {id_ for id_, _ in kept if id_.startswith("edge")} == {f"edge {e}" for e in edges[1:3]}
    assert kept == emulator.truth(name, EDGES.start, EDGES.end).ids


def test_headers_arrive_with_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the first page and with those that links lead to."""
    api = replace(SIGN_INS, headers=(("Prefer", "include-unknown-enum-members"), ("X-More", "1")))
    graph = FakeGraph(rows(25))
    read_api(api, graph, monkeypatch)
    assert len(graph.headers) > 2
    assert {h["prefer"] for h in graph.headers} == {"include-unknown-enum-members"}
    assert {h["x-more"] for h in graph.headers} == {"1"}


@pytest.mark.parametrize("spelled", ["Authorization", "authorization"])
def test_headers_cannot_replace_the_token(monkeypatch: pytest.MonkeyPatch, spelled: str) -> None:
    """However it is spelled, one Authorization goes out: the client's own."""
    graph = FakeGraph(rows(5))
    read_api(replace(SIGN_INS, headers=((spelled, "Bearer mine"),)), graph, monkeypatch)
    sent = [h.get_list("authorization") for h in graph.headers]
    assert sent == [["Bearer token-1"]] * len(graph.requests)
