"""A ReadStore in memory, by the letter of its protocol, and the events that a read kept."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from include.entra_logs.api import Window
from include.entra_logs.source import Page, Slice


class MemoryStore:
    """Slices and pages of one read; survives "attempts" within a test.

    Each plan that it is given has to tile the window of the first one. A write takes `seconds`.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.plans: list[list[Slice]] = []
        self.plan: list[Slice] = []
        self.stored: dict[tuple[str, int], Page] = {}
        self.writes = 0
        self._lock = threading.Lock()

    def resume(self) -> list[Slice]:
        """The plan, advanced by the pages stored after it."""
        with self._lock:
            return [self._advanced(found) for found in self.plan]

    def _advanced(self, found: Slice) -> Slice:
        while not found.done and (page := self.stored.get((found.id, found.pages + 1))):
            found = found.after(page)
        return found

    def save_slices(self, slices: list[Slice]) -> None:
        """Replace the plan."""
        time.sleep(self.seconds)
        with self._lock:
            self.writes += 1
            self.plan = list(slices)
            self.plans.append(self.plan)
            whole = self.plans[0]
            span = Window(min(s.keep.start for s in whole), max(s.keep.end for s in whole))
            assert tiles(self, span), f"plan {len(self.plans)} has a gap or an overlap"

    def save_page(self, page: Page) -> None:
        """Keep the page."""
        time.sleep(self.seconds)
        with self._lock:
            self.writes += 1
            self.stored[page.slice_id, page.number] = page


def parsed(text: str) -> datetime:
    """A time of Graph, its seventh digit cut."""
    return datetime.fromisoformat(text[:-1][:26]).replace(tzinfo=UTC)


def kept(
    store: MemoryStore, window: Window, by: str, event_time: str
) -> dict[tuple[str, str], bytes]:
    """The events that the complete read answers for, each (id, event time) once.

    A test's own way of cutting and of removing duplicates.
    """
    found: dict[tuple[str, str], bytes] = {}
    for slice_, body in bodies(store):
        for event in orjson.loads(body)["value"]:
            if not isinstance(event, dict) or not {"id", by, event_time} <= event.keys():
                continue  # a reject: it has no identity
            at = parsed(event[by])
            if at in slice_.keep and at in window:
                found[event["id"], event[event_time]] = orjson.dumps(event)
    return found


def bodies(store: MemoryStore) -> Iterator[tuple[Slice, bytes]]:
    """Pages of the finished plan, each with its slice."""
    for slice_ in store.plan:
        assert slice_.done
        for number in range(1, slice_.pages + 1):
            yield slice_, store.stored[slice_.id, number].body


def tiles(store: MemoryStore, window: Window) -> bool:
    """True if the keep windows of the plan cover the window without gap or overlap."""
    edges = [window.start]
    for keep in sorted(found.keep for found in store.plan):
        if keep.start != edges[-1]:
            return False
        edges.append(keep.end)
    return edges[-1] == window.end
