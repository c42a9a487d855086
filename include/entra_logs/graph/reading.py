"""A read: all pages of one API and window, by as many slices at once as the budget can feed.

One page is asked for first. If it is not the last, and pages take longer than the budget's
interval, the slices in flight give the older part of what they have not read to new ones, as many
as it takes to use the budget: at the beginning, and again whenever a slice ends early. A slice that
times out or whose link dies keeps what its pages prove, and the rest is halved. A page that is too
large is asked for anew with half as many events.
"""

import asyncio
import logging
import math
import time
from dataclasses import replace

from include.entra_logs.api import Window, utc_text
from include.entra_logs.errors import Refused, Transient
from include.entra_logs.graph.answers import Answer
from include.entra_logs.graph.asking import Asker
from include.entra_logs.graph.faults import Circle, Endless, StaleLink, TimedOut, TooLarge
from include.entra_logs.graph.limits import Limits
from include.entra_logs.graph.plan import Chain, Cut, Plan
from include.entra_logs.graph.query import Query
from include.entra_logs.graph.slices import (
    SECOND,
    asked,
    pieces,
    reach,
    salvage,
    satisfied,
    share,
    span,
)
from include.entra_logs.source import Page, ReadStore, ReadSummary, Slice

log = logging.getLogger(__name__)

WORTH_SHARING = 3.0
"""Pages that a slice must still need before another one takes over a part of it."""
ONE_IS_ENOUGH = 0.9
"""Share of the budget's interval up to which one chain of pages uses the whole budget."""


class Reading:
    """One read under way, in one event loop."""

    def __init__(self, asker: Asker, query: Query, store: ReadStore, limits: Limits) -> None:
        self._asker = asker
        self._query = query
        self._api = query.api
        self._window = query.window
        self._store = store
        self._limits = limits
        self._plan = Plan(query.window, store)
        self._tasks: dict[asyncio.Task[None], Chain] = {}
        self._top = query.api.page_size
        self._idle = 0
        """Pages in a row without a new event, of all slices."""
        self._changed = asyncio.Event()
        self._saving = 0.0

    async def run(self) -> ReadSummary:
        """The whole read, going on where the store says that an earlier try came to."""
        if stored := await self._plan.open():
            log.info("%s %s: going on after %d pages", self._api.name, self._window, stored)
        try:
            await self._work()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        summary = self._summary(await self._plan.close())
        log.info(
            "%s %s: %d pages, %d events, %d bytes; %d requests, %d throttled, waited %.1f s",
            *(self._api.name, self._window, summary.pages, summary.events, summary.bytes),
            *(summary.requests, summary.throttled, summary.waited),
        )
        return summary

    def _summary(self, slices: list[Slice]) -> ReadSummary:
        pace = self._asker.pace
        return ReadSummary(
            read_at=min(found.asked_at for found in slices if found.asked_at),
            pages=sum(found.pages for found in slices),
            events=sum(found.events for found in slices),
            bytes=sum(found.bytes for found in slices),
            requests=pace.requests,
            throttled=pace.throttled,
            waited=round(pace.waited, 3),
            last_asked_at=self._asker.clock,
            skew=round(self._asker.skew, 3),
        )

    async def _work(self) -> None:
        """Feed the slices until none is left; the first error that can't be mended ends it."""
        while True:
            self._changed.clear()
            for task in [task for task in self._tasks if task.done()]:
                del self._tasks[task]
                task.result()
            await self._feed()
            if not self._tasks:
                return
            await self._changed.wait()

    async def _feed(self) -> None:
        """Start as many slices as can use the budget, sharing one out if too few are waiting."""
        idle = self._wanted() - len(self._tasks)
        idle -= self._start(idle)
        if idle <= 0 or not self._tasks:
            return
        giver = max(self._tasks.values(), key=lambda chain: chain.left)
        if giver.left < WORTH_SHARING:
            return
        parts = int(min(idle + 1, max(2, giver.left / 2)))
        await self._plan.change(giver, lambda found: Cut(*share(found, parts)))
        self._start(idle)

    def _wanted(self) -> int:
        """Slices in flight that use the whole budget at the latency seen; 1 until it is known."""
        interval, latency = self._asker.pace.real_interval, self._asker.latency
        if latency is None or latency + self._saving <= interval * ONE_IS_ENOUGH:
            return 1
        if not interval:
            return self._limits.slices
        return min(self._limits.slices, math.ceil((latency + self._saving) / interval) + 1)

    def _start(self, count: int) -> int:
        """Start up to `count` waiting slices, the latest made first; how many were started."""
        running = set(self._tasks.values())
        waiting = [
            chain
            for chain in reversed(self._plan.chains)
            if chain not in running and not satisfied(chain.slice)
        ][: max(0, count)]
        for chain in waiting:
            task = asyncio.create_task(self._follow(chain))
            task.add_done_callback(lambda _: self._changed.set())
            self._tasks[task] = chain
        return len(waiting)

    async def _follow(self, chain: Chain) -> None:
        """Read a slice to its end, or to the fault that makes a new plan for the rest of it."""
        while not satisfied(chain.slice):
            try:
                await self._next_page(chain)
            except TooLarge as error:
                if await self._ask_for_less(chain, error):
                    break
            except (StaleLink, TimedOut) as error:
                await self._divide(chain, error)
                break
            except Endless as error:
                await self._plan.change(chain, lambda _: _halved(_proven(chain)))
                raise Transient(str(error)) from None
            self._changed.set()
        chain.trail.end()
        found = chain.slice
        log.info(
            "%s slice %s %s: %d pages, %d events, %d bytes, waited %.1f s%s",
            *(self._api.name, found.id, found.keep, found.pages, found.events, found.bytes),
            *(chain.trail.waited, "" if satisfied(found) else ", the rest is read anew"),
        )

    async def _next_page(self, chain: Chain) -> None:
        """Ask for the slice's next page and store it."""
        link = chain.slice.cursor
        if link is None:
            chain.top = self._top
        url = link or self._query.first_url(chain.slice.window, self._top)
        answer = await self._asker.page(url, chain.trail, linked=link is not None)
        page = self._page(chain.slice, answer)
        began = time.monotonic()
        await asyncio.to_thread(self._store.save_page, page)
        self._saving = (self._saving + time.monotonic() - began) / 2
        chain.slice = chain.slice.after(page)
        if answer.times:
            chain.page_span = span(page.reached, answer.times)
        if chain.trail.brought(answer.marks):
            chain.fruitful, self._idle = chain.slice, 0
        elif not satisfied(chain.slice):
            self._idle += 1
            if max(chain.trail.idle, self._idle) >= self._limits.idle:
                raise Endless(
                    f"{self._api.name}: {self._limits.idle} pages in a row brought no new event, "
                    "and each a link to another one. What was proven before them is kept."
                )

    def _page(self, slice_: Slice, answer: Answer) -> Page:
        by_order = (
            self._query.filter_by == self._api.table.event_time
        )  # Graph orders by nothing else
        return Page(
            slice_id=slice_.id,
            number=slice_.pages + 1,
            body=answer.body,
            events=len(answer.times),
            cursor=answer.next_link,
            asked_at=answer.asked_at,
            request_id=answer.request_id,
            reached=reach(slice_, answer.times) if by_order else None,
        )

    async def _divide(self, chain: Chain, error: Transient) -> None:
        """Keep what the slice's pages prove; halve the rest, down to the narrowest slice."""
        rows = self._asker.effort.in_a_row
        if rows > 1:
            chain.trail.waited += await self._asker.pace.sleep(self._asker.pace.backoff(rows - 1))

        def cut(found: Slice) -> Cut:
            made = _halved(found)
            if made.kept is not None or (len(made.rest) > 1 and not isinstance(error, Circle)):
                return made
            if chain.stuck >= self._limits.attempts:
                keep = found.keep
                raise Transient(f"{self._api.name}: a slice of {keep} fails again; last: {error}")
            return replace(made, stuck=chain.stuck + 1)

        await self._plan.change(chain, cut)

    async def _ask_for_less(self, chain: Chain, error: TooLarge) -> bool:
        """Halve the size of a page for the rest of the read, and at one event a page the time.

        True if the chain ends by that: a link has the size of its page in it. Refused for an event
        that is too large by itself.
        """
        top, first = chain.top or self._api.page_size, chain.slice.cursor is None
        if top > 1:
            self._top = min(self._top, top // 2)
            log.warning("%s It is asked for with %d events a page.", error, self._top)
            if first:
                return False

        def cut(found: Slice) -> Cut:
            made = _halved(found)
            if top == 1 and made.kept is None and len(made.rest) == 1:
                raise Refused(self._too_large(found.keep, error))
            return made

        await self._plan.change(chain, cut)
        return True

    def _too_large(self, keep: Window, error: TooLarge) -> str:
        found = asked(keep, self._window)
        before, after = utc_text(found.start - SECOND), utc_text(found.end + SECOND)
        return (
            f"{error} It was asked for with one event a page, so that event is not read, nor is "
            f"the window {self._window}: read what lies around it by one run with end {before} and "
            f"one with start {after}, and report the event."
        )


def _proven(chain: Chain) -> Slice:
    """The slice as it was before its pages stopped bringing anything."""
    return replace(chain.fruitful, keep=chain.slice.keep)


def _halved(found: Slice) -> Cut:
    """What the pages of a slice prove is kept, the rest is halved."""
    kept, rest = salvage(found)
    return Cut(kept, pieces(rest.start, rest.end, 2) if rest else [])
