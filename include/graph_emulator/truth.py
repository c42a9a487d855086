"""The ground truth: what a complete read of a window has to bring."""

import hashlib
from typing import Any

import orjson

from include.graph_emulator import ticks
from include.graph_emulator.apis import BY_NAME
from include.graph_emulator.world import World


def checksum(rows: list[tuple[str, str]]) -> str:
    """SHA-256 over the sorted lines `<id>\\t<event time>\\n` of (id, event time as Graph prints)."""
    digest = hashlib.sha256()
    for name, at in sorted(rows):
        digest.update(f"{name}\t{at}\n".encode())
    return digest.hexdigest()


def truth(  # noqa: PLR0913  what names a window
    world: World, tenant: str, api: str, start: int, end: int, by: str | None, at: int,
    *, events: bool = False, names: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """What lies in `[start, end)` (ticks) of the time `by`, as visible at the clock `at`.

    `ids` is a list of [id, event time]; with `events` also the whole events. Retention is not
    applied: it is what exists, whether or not Graph would still show it.
    """
    collection = BY_NAME[api]
    by = by or collection.event_time
    if by not in collection.times:
        raise ValueError(f"{by} is not a time of {api}: {', '.join(collection.times)}")
    before, after = collection.times[by]
    whole = events or by != collection.event_time
    timeline = world.timeline(tenant, api)
    rows: list[tuple[str, str]] = []
    bodies: list[Any] = []
    for stretch in timeline.stretches(start - after, end + before - 1, at):
        if not whole:
            rows += [(name, ticks.to_text(t)) for name, t in timeline.names(stretch, at)]
            continue
        block = timeline.block(stretch, at, beta=False)
        for row in range(stretch.start, stretch.stop):
            event = orjson.loads(bytes(block.rows(row, row + 1)))
            if start <= ticks.from_text(event[by]) < end:
                rows.append((event["id"], event[collection.event_time]))
                bodies.append(event)
    found: dict[str, Any] = {
        "count": len(rows),
        "checksum": checksum(rows),
        "at": ticks.to_text(at),
    }
    found |= {"ids": rows} if names else {}
    return found | ({"events": bodies} if events else {})
