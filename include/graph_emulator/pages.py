"""Pages: the rows of a query, and the JSON around them."""

from collections import OrderedDict
from dataclasses import dataclass, field

import orjson

from include.graph_emulator import ticks
from include.graph_emulator.query import Query
from include.graph_emulator.settings import Settings
from include.graph_emulator.timeline import Stretch, Timeline
from include.graph_emulator.world import World

_TIPS = (
    '"@microsoft.graph.tips":"Use $select to choose only the properties your app needs, as this '
    "can lead to performance improvements. For example: GET auditLogs/directoryAudits?$select="
    'activityDateTime,activityDisplayName",'
)


@dataclass
class Rows:
    """A page's rows as pieces of JSON (each one or more events), and where it lies in the read."""

    pieces: list[bytes | memoryview]
    count: int
    offset: int
    more: bool
    """There is a next link."""
    total: int | None = None

    @property
    def position(self) -> str:
        """`first`, `middle`, `last`, or `only`."""
        if self.more:
            return "middle" if self.offset else "first"
        return "last" if self.offset else "only"


@dataclass
class Pages:
    """Finds the rows of queries."""

    world: World
    settings: Settings
    _chosen: OrderedDict[object, list[bytes]] = field(default_factory=OrderedDict)

    def rows(self, query: Query, tenant: str, at: int, now: int) -> Rows:
        """The rows of the page that `query` asks for, as they were visible at `at`."""
        if query.filter.nothing:
            return Rows([], 0, query.token.offset, more=False)
        name, kinds = query.collection.name, query.filter.kinds
        timelines = self.world.shown(tenant, name, query.version, kinds)
        if query.plain:
            return self._cut(query, timelines[0], at, now)
        return self._choose(query, tenant, timelines, at, now)

    def bounds(self, query: Query, now: int) -> tuple[int, int]:
        """The event times to look at: those of the filter, not older than retention."""
        name = query.collection.name
        low, high = query.filter.low, query.filter.high
        for other, first, last in query.filter.spans:
            before, after = query.collection.times[other]
            low, high = max(low, first - after), min(high, last + before)
        kept = now - int(self.settings.kept_days(name) * ticks.DAY)
        return max(low, kept), min(high, now + ticks.DAY)

    def _cut(self, query: Query, timeline: Timeline, at: int, now: int) -> Rows:
        """Rows cut out of rendered buckets."""
        low, high = self.bounds(query, now)
        found = timeline.stretches(low, high, at) if low <= high else iter(())
        if not query.descending:
            found = iter(list(found)[::-1])
        skip, wanted = query.token.offset, query.top
        pieces: list[bytes | memoryview] = []
        count, more = 0, False
        for stretch in found:
            size = stretch.stop - stretch.start
            if skip >= size:
                skip -= size
                continue
            if count == wanted:
                more = True
                break
            taken = min(size - skip, wanted - count)
            pieces += self._pieces(query, timeline, stretch, skip, taken, at)
            count += taken
            more = more or size - skip > taken
            skip = 0
            if more or (count == wanted and self.settings.empty_last_page):
                break
        full = count == wanted and self.settings.empty_last_page
        return Rows(pieces, count, query.token.offset, more=more or full)

    def _pieces(
        self, query: Query, timeline: Timeline, stretch: Stretch, skip: int, taken: int, at: int
    ) -> list[bytes | memoryview]:
        block = timeline.block(stretch, at, beta=query.version == "beta")
        if query.descending:
            first = stretch.start + skip
            return [block.rows(first, first + taken)]
        last = stretch.stop - skip
        return [block.rows(row, row + 1) for row in range(last - 1, last - taken - 1, -1)]

    def _choose(
        self, query: Query, tenant: str, timelines: list[Timeline], at: int, now: int
    ) -> Rows:
        """Rows that need to be looked at one by one; the choice is kept for the next pages."""
        editions = tuple(timeline.overlay.edition for timeline in timelines)
        key = (tenant, query.version, query.collection.name, query.filter, query.order_by,
               query.descending, query.select, at, editions)  # fmt: skip
        chosen = self._chosen.get(key)
        if chosen is None:
            chosen = self._chosen[key] = self._matches(query, timelines, at, now)
            while len(self._chosen) > 8:
                self._chosen.popitem(last=False)
        offset, top = query.token.offset, query.top
        page = chosen[offset : offset + top]
        more = len(chosen) > offset + top
        full = len(page) == top and self.settings.empty_last_page
        return Rows([*page], len(page), offset, more=more or full, total=len(chosen))

    def _matches(self, query: Query, timelines: list[Timeline], at: int, now: int) -> list[bytes]:
        low, high = self.bounds(query, now)
        found = []
        for timeline in timelines:
            for stretch in timeline.stretches(low, high, at) if low <= high else ():
                block = timeline.block(stretch, at, beta=query.version == "beta")
                for row in range(stretch.start, stretch.stop):
                    text = bytes(block.rows(row, row + 1))
                    event = orjson.loads(text)
                    if not query.filter.test(event):
                        continue
                    if query.select:
                        text = orjson.dumps({n: event[n] for n in query.select if n in event})
                    at_time = event.get(query.order_by)
                    found.append((ticks.from_text(at_time) if at_time else 0, event["id"], text))
        found.sort(key=lambda row: row[:2], reverse=query.descending)
        return [text for *_, text in found]


def envelope(
    query: Query, rows: Rows, next_link: str | None, *, null_link: bool
) -> list[bytes | memoryview]:
    """The body of a page, in pieces."""
    context = query.collection.context(query.version)
    if query.select:
        context += f"({','.join(query.select)})"
    head = f'{{"@odata.context":{orjson.dumps(context).decode()},'
    if query.count and rows.total is not None:
        head += f'"@odata.count":{rows.total},'
    if query.collection.tips and not query.select:
        head += _TIPS
    if next_link is not None:
        head += f'"@odata.nextLink":{orjson.dumps(next_link).decode()},'
    elif null_link:
        head += '"@odata.nextLink":null,'
    body: list[bytes | memoryview] = [f'{head}"value":['.encode()]
    for number, piece in enumerate(rows.pieces):
        if number:
            body.append(b",")
        body.append(piece)
    body.append(b"]}")
    return body
