"""The slices of a read while they are being read, and their durable plan.

Every change is saved before anything is read by it, one change at a time.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from include.entra_logs.api import Window
from include.entra_logs.graph.asking import Trail
from include.entra_logs.graph.slices import asked, gaps, pages_left, satisfied
from include.entra_logs.source import ReadStore, Slice


@dataclass(eq=False)
class Chain:
    """A slice while its pages are followed."""

    slice: Slice
    trail: Trail = field(default_factory=Trail)
    stuck: int = 0
    """Times that it was begun anew because it is too narrow to be halved."""
    page_span: timedelta = timedelta(0)
    """The time that its last page covered, 0 while unknown."""

    @property
    def left(self) -> float:
        """About how many pages it still needs, 0 while nobody can tell."""
        return pages_left(self.slice, self.page_span)


class Plan:
    """All slices of one read; their `keep` windows tile the read's window at any time."""

    def __init__(self, window: Window, store: ReadStore) -> None:
        self.chains: list[Chain] = []
        self._window = window
        self._store = store
        self._changing = asyncio.Lock()

    async def open(self) -> int:
        """Take up the slices of an earlier try, or one for the whole window; its stored pages."""
        slices = await asyncio.to_thread(self._store.resume)
        if not slices:
            slices = [Slice("000001", self._window, self._window)]
            await asyncio.to_thread(self._store.save_slices, slices)
        self.chains = [Chain(found, Trail({hash(found.cursor)})) for found in slices]
        return sum(found.pages for found in slices)

    async def change(
        self,
        keeps: list[Window],
        *,
        dropped: Chain | None = None,
        asked_at: datetime | None = None,
        stuck: int = 0,
    ) -> None:
        """Add a slice for each of `keeps`, which the other slices just gave up; save; then show."""
        async with self._changing:
            after = [chain for chain in self.chains if chain is not dropped]
            last = max(int(chain.slice.id) for chain in self.chains)
            for number, keep in enumerate(keeps, start=last + 1):
                window = asked(keep, self._window)
                made = Slice(f"{number:06d}", window, keep, asked_at=asked_at)
                after.append(Chain(made, stuck=stuck))
            await asyncio.to_thread(self._store.save_slices, [chain.slice for chain in after])
            self.chains = after

    async def close(self) -> list[Slice]:
        """The finished slices, saved as done; a gap between them would be a defect of ours."""
        slices = [replace(chain.slice, done=satisfied(chain.slice)) for chain in self.chains]
        if wrong := list(gaps(slices, self._window)):
            raise RuntimeError(f"slices of a read do not cover its window: {wrong}")
        await asyncio.to_thread(self._store.save_slices, slices)
        return slices
