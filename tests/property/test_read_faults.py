"""Whatever Graph does on the way, a read ends with the ground truth or with an error."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from include.entra_logs.api import Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import EntraLakeError
from include.entra_logs.graph import GraphClient
from include.graph_emulator.faults import Kind
from include.graph_emulator.process import Emulator, start_emulator
from tests.kit.budget import counted
from tests.kit.emulated import client, found, truth
from tests.kit.memory_store import MemoryStore, tiles

WINDOW = Window(datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 10, tzinfo=UTC))
UNSEEN = {"short_answer"}
"""Looks whole to everybody; a second read finds it, no single one can."""
KINDS = sorted(set(get_args(Kind)) - UNSEEN)
ALL_AT_ONCE: list[dict[str, Any]] = [
    {"kind": kind, "megabytes": 1, "retry_after": 1.5, "seconds": 0.05}
    for kind in KINDS
    if kind not in ("hang", "invalid_filter")
]
PLACES: list[Any] = ["first", "middle", "last", None]


@st.composite
def faults(draw: st.DrawFn) -> dict[str, Any]:
    """One line of a plan: which fault, where, how often."""
    kind = draw(st.sampled_from(KINDS))
    fault: dict[str, Any] = {"kind": kind, "times": draw(st.sampled_from([1, 1, 1, 2, 3, 0]))}
    fault |= {"page": place} if (place := draw(st.sampled_from(PLACES))) else {}
    fault |= {"request": draw(st.integers(1, 25))} if draw(st.booleans()) else {}
    fault |= {"probability": 0.4} if draw(st.booleans()) else {}
    if kind in ("throttled", "server_error"):
        fault["retry_after"] = draw(st.sampled_from([None, 0.7, 2, 20]))
        fault["retry_after_form"] = draw(st.sampled_from(["seconds", "decimal", "date"]))
        fault["status"] = draw(st.sampled_from([500, 502, 503, 504]))
    if kind in ("slow", "trickle"):
        fault["seconds"] = 0.1
    if kind == "looping_next_link":
        fault["span"] = draw(st.sampled_from([1, 2, 3]))
    if kind == "dead_skiptoken":
        fault["form"] = draw(st.sampled_from(["lost", "null", "no_code"]))
    if kind == "foreign_next_link":
        fault["scheme"] = draw(st.sampled_from(["http", "https"]))
    if kind == "huge_body":
        fault["megabytes"] = 2
    return fault


MANNERS = st.fixed_dictionaries({"null_next_link": st.booleans(), "empty_last_page": st.booleans()})
APIS = ["sign_ins", "directory_audits"]
FINAL = {"invalid_filter"}
"""One of it ends a read: it says that Graph doesn't keep the window."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Graph with small pages and a clock that stands still."""
    with start_emulator(
        now="2026-11-20T12:00:00Z", speed=0, page_cap=20, sign_ins_per_day=2000, time_scale=1000.0
    ) as started:
        yield started


@pytest.fixture(scope="module")
def arrived(emulator: Emulator) -> dict[str, set[Any]]:
    """The ground truth by API; the clock stands still, so it holds for all examples."""
    return {name: truth(emulator, CATALOGUE[name], WINDOW) for name in APIS}


@pytest.fixture(scope="module")
def reader(emulator: Emulator) -> Iterator[GraphClient]:
    """One client for all examples: its token lives on."""
    with client(emulator) as opened:
        yield opened


@dataclass(frozen=True)
class Plan:
    """What goes wrong in one read, and the manners of the server."""

    faults: list[dict[str, Any]]
    seed: int = 0
    manners: dict[str, bool] = field(default_factory=dict)


PLANS = st.builds(Plan, st.lists(faults(), max_size=5), st.integers(0, 9), MANNERS)


@pytest.mark.timeout(900)
@pytest.mark.long(60)
@settings(max_examples=counted(quick=15, ci=250))
@given(plan=PLANS, api=st.sampled_from(APIS))
@example(plan=Plan(ALL_AT_ONCE), api="sign_ins")
def test_ground_truth_or_an_error(
    emulator: Emulator, reader: GraphClient, arrived: dict[str, set[Any]], plan: Plan, api: str
) -> None:
    """Under any plan of faults: exactly the events that had arrived, or an error of our tree.

    250 plans of four faults on average have each of the thirty kinds about thirty times, among
    others; the test below has each alone on each page.
    """
    declared = CATALOGUE[api]
    emulator.change(**plan.manners)
    emulator.plan(plan.faults, plan.seed)
    store = MemoryStore()
    try:
        reader.read(declared, WINDOW, declared.table.event_time, store)
    except EntraLakeError as error:
        event(type(error).__name__)
        return
    event("the ground truth")
    assert tiles(store, WINDOW)
    assert found(store, declared, WINDOW) == arrived[api]


@pytest.mark.parametrize("page", ["first", "middle", "last"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in FINAL])
def test_each_fault_once_is_mended(
    emulator: Emulator, reader: GraphClient, arrived: dict[str, set[Any]], kind: str, page: str
) -> None:
    """Each kind of fault, once, at the first, a middle and the last page: nothing is lost."""
    api = CATALOGUE["sign_ins"]
    seconds = 30 if kind == "hang" else 0.05
    emulator.plan([{"kind": kind, "page": page, "seconds": seconds, "megabytes": 8}])
    store = MemoryStore()
    reader.read(api, WINDOW, api.table.event_time, store)
    assert found(store, api, WINDOW) == arrived[api.name]
