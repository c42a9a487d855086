"""The durable plan of a read: its slices, which tile its window in every plan that is saved.

A change is worked out, saved, and only then shown to who reads by it, one at a time. So whatever
ends the process, and however slow the store is, the plan that is found tiles the window.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from include.entra_logs.api import Window
from include.entra_logs.errors import Transient
from include.entra_logs.graph.slices import asked, gaps, pages_left, satisfied
from include.entra_logs.graph.trail import Trail
from include.entra_logs.source import ReadStore, Slice

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Chain:
    """A slice while its pages are followed."""

    slice: Slice
    trail: Trail = field(default_factory=Trail)
    stuck: int = 0
    """Times that it was begun anew without anything to show for it."""
    page_span: timedelta = timedelta(0)
    """The time that its last page covered, 0 while unknown."""
    top: int | None = None
    """Events of a page that it asked for; None where an earlier try did."""
    fruitful: Slice = field(init=False)
    """The slice as it was after the last page that brought a new event."""

    def __post_init__(self) -> None:
        self.fruitful = self.slice

    @property
    def left(self) -> float:
        """About how many pages it still needs, 0 while nobody can tell."""
        return pages_left(self.slice, self.page_span)


@dataclass(frozen=True)
class Cut:
    """What becomes of a slice: it keeps a part, and new ones take over the rest."""

    kept: Slice | None
    """None where its pages prove nothing: it is dropped."""
    rest: list[Window]
    stuck: int = 0
    """Of the chains that take over."""


class Plan:
    """All slices of one read; their `keep` windows tile the read's window at any time."""

    def __init__(self, window: Window, store: ReadStore) -> None:
        self.chains: list[Chain] = []
        self._window = window
        self._store = store
        self._changing = asyncio.Lock()

    async def open(self) -> int:
        """Take up the slices of an earlier try, or one for the whole window; its stored pages.

        A plan that can't be right is not gone on with.
        """
        slices = await asyncio.to_thread(self._store.resume)
        if not slices or (wrong := _wrong(slices, self._window)):
            number = 1
            if slices:
                log.warning(
                    "The plan of an earlier try is broken (%s); the read begins anew", wrong
                )
                number += max((int(s.id) for s in slices if s.id.isdecimal()), default=0)
            slices = [Slice(f"{number:06d}", self._window, self._window)]
            await asyncio.to_thread(self._store.save_slices, slices)
        self.chains = [Chain(found, Trail({hash(found.cursor)})) for found in slices]
        return sum(found.pages for found in slices)

    async def change(self, chain: Chain, cut: Callable[[Slice], Cut]) -> None:
        """Cut the slice of `chain` as `cut` says of how it is by then; save; then show.

        The chain may go on meanwhile: the pages that it brings count for what it keeps.
        """
        async with self._changing:
            made = cut(chain.slice)
            if made.kept == chain.slice and not made.rest:
                return
            others = [each for each in self.chains if each is not chain]
            stay = [chain] if made.kept else []
            last = max(int(each.slice.id) for each in self.chains)
            new = [
                self._chain(number, keep, made, chain.slice)
                for number, keep in enumerate(made.rest, start=last + 1)
            ]
            slices = [each.slice for each in others]
            slices += [made.kept] if made.kept else []
            slices += [each.slice for each in new]
            await asyncio.to_thread(self._store.save_slices, slices)
            if made.kept:
                done, keep = made.kept.done, made.kept.keep
                chain.slice = made.kept if done else replace(chain.slice, keep=keep)
            self.chains = [*others, *stay, *new]

    def _chain(self, number: int, keep: Window, cut: Cut, before: Slice) -> Chain:
        """The chain for a part that `before` gave up."""
        asked_at = before.asked_at if cut.kept is None else None
        window = asked(keep, self._window)
        return Chain(Slice(f"{number:06d}", window, keep, asked_at=asked_at), stuck=cut.stuck)

    async def close(self) -> list[Slice]:
        """The finished slices, saved as done."""
        slices = [replace(chain.slice, done=satisfied(chain.slice)) for chain in self.chains]
        if wrong := list(gaps(slices, self._window)):
            log.error("A defect: the slices do not cover the window of the read: %s", wrong)
            await asyncio.to_thread(self._store.save_slices, [])
            raise Transient(
                "The slices of the read do not cover its window, which is a defect of this "
                "project: report it. The next try begins anew."
            )
        await asyncio.to_thread(self._store.save_slices, slices)
        return slices


def _wrong(slices: list[Slice], whole: Window) -> str:
    """What is wrong with the plan of an earlier try; nothing if it can be gone on with."""
    ids = {found.id for found in slices}
    if len(ids) < len(slices) or not all(each.isdecimal() for each in ids):
        return "its slices have no names of their own"
    if any(bool(found.pages) and found.asked_at is None for found in slices):
        return "a slice was never asked for"
    if any(not found.done and bool(found.pages) != bool(found.cursor) for found in slices):
        return "a slice has no way on"
    if any(found.done and not found.pages for found in slices):
        return "a slice without a page is done"
    return "; ".join(gaps([replace(found, done=True) for found in slices], whole))
