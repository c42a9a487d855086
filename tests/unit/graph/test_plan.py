"""The plan of slices: every one that is saved tiles the window, whatever happens meanwhile."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from include.entra_logs.api import Window
from include.entra_logs.graph import Limits
from include.entra_logs.graph.plan import Chain, Cut, Plan
from include.entra_logs.graph.slices import pieces, salvage, share
from include.entra_logs.source import Slice
from tests.kit.memory_store import MemoryStore, tiles
from tests.unit.graph.fake_graph import NOW, WINDOW, FakeGraph, error, ids, read, rows

HALF = WINDOW.start + timedelta(hours=1)
FRESH = Slice("000001", WINDOW, WINDOW)
BEGUN = replace(
    FRESH, pages=1, cursor="x", reached=WINDOW.end - timedelta(minutes=10), asked_at=NOW
)


class Gate(MemoryStore):
    """A store whose writes wait until they are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def save_slices(self, slices: list[Slice]) -> None:
        """Replace the plan, later."""
        asyncio.run_coroutine_threadsafe(self.opened.wait(), self.loop).result()
        super().save_slices(slices)


def halved(found: Slice) -> Cut:
    """What a dead link leaves."""
    kept, rest = salvage(found)
    return Cut(kept, pieces(rest.start, rest.end, 2) if rest else [])


async def under_way() -> tuple[Gate, Plan, Chain]:
    """A plan of one slice that has begun, whose next writes wait."""
    store = Gate()
    store.opened.set()
    plan = Plan(WINDOW, store)
    await plan.open()
    store.opened.clear()
    (chain,) = plan.chains
    chain.slice = BEGUN
    return store, plan, chain


def test_changes_in_the_queue_do_not_show_in_each_others_plans() -> None:
    """A slice that dies while its parts are given away, and another change between: all tile."""

    async def run() -> MemoryStore:
        store, plan, chain = await under_way()
        changes = [lambda found: Cut(*share(found, 3)), lambda found: Cut(found, []), halved]
        tasks = [asyncio.create_task(plan.change(chain, cut)) for cut in changes]
        await asyncio.sleep(0)
        assert chain.slice == BEGUN  # nothing shows before it is saved
        store.opened.set()
        await asyncio.gather(*tasks)
        assert [each.slice for each in plan.chains] == store.plan
        return store

    assert len(asyncio.run(run()).plans) == 3  # the first, the shared, the halved


def test_a_page_that_comes_while_the_plan_is_saved_counts() -> None:
    """The giver reads on while its parts are saved for others; it keeps its page, and its part."""

    async def run() -> None:
        store, plan, chain = await under_way()
        task = asyncio.create_task(plan.change(chain, lambda found: Cut(*share(found, 3))))
        await asyncio.sleep(0)
        chain.slice = replace(chain.slice, pages=2)
        store.opened.set()
        await task
        assert chain.slice.pages == 2
        assert chain.slice.keep.start > WINDOW.start

    asyncio.run(run())


@pytest.mark.timeout(120)
def test_a_store_that_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """With writes of 20 ms, links that die and slices that are shared: each saved plan tiles."""
    faults = {n: error(400, "", "Invalid Skip Token") for n in range(3, 40, 3)}
    graph = FakeGraph(rows(205), faults=faults)
    store, _ = read(graph, monkeypatch, MemoryStore(seconds=0.02))
    assert ids(store) == {f"e{i}" for i in range(205)}
    assert len(store.plans) > 4


DONE = replace(FRESH, pages=1, done=True, asked_at=NOW)
BROKEN = {
    "a gap": [
        replace(DONE, keep=Window(WINDOW.start, HALF - timedelta(minutes=1))),
        replace(DONE, id="000002", keep=Window(HALF, WINDOW.end)),
    ],
    "an overlap": [
        replace(DONE, keep=Window(WINDOW.start, HALF + timedelta(minutes=1))),
        replace(DONE, id="000002", keep=Window(HALF, WINDOW.end)),
    ],
    "an end": [replace(DONE, keep=Window(WINDOW.start, HALF))],
    "one id": [
        replace(DONE, keep=Window(WINDOW.start, HALF)),
        replace(DONE, keep=Window(HALF, WINDOW.end)),
    ],
    "no number": [replace(DONE, id="first")],
    "no page": [replace(DONE, pages=0)],
    "no time": [replace(DONE, asked_at=None)],
    "no way on": [replace(DONE, done=False)],
}


@pytest.mark.parametrize("plan", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_plan_is_begun_anew(monkeypatch: pytest.MonkeyPatch, plan: list[Slice]) -> None:
    """A plan of an earlier try that can't be right costs a read, not the interval."""

    class Earlier(MemoryStore):
        def resume(self) -> list[Slice]:
            return plan

    store = Earlier()
    read(FakeGraph(rows(25)), monkeypatch, store, Limits(slices=1))
    assert ids(store) == {f"e{i}" for i in range(25)}
    assert tiles(store, WINDOW)
    assert not {found.id for found in store.plan} & {found.id for found in plan}
