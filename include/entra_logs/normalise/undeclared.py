"""The slow path: pages with anything undeclared, event by event.

Each event is parted into what fits its columns, which the fast path then reads, and the rest: JSON
text for `_extra`, nested as Graph sent it. `null` and `{}` mean absent and are no rest.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from include.entra_logs import verbatim
from include.entra_logs.errors import Corrupt
from include.entra_logs.normalise.counts import Surprise
from include.entra_logs.normalise.parting import Fit, Notes, fit_event
from include.entra_logs.schema import Group

CHUNK = 1000
"""Events that are Python objects at the same time: a page may be large."""
UNREADABLE = (msgspec.MsgspecError, orjson.JSONEncodeError, RecursionError, ValueError)


Parts = tuple[Any, str | None]
"""Of one event: what the fast path takes, and the text for `_extra`."""


@dataclass(frozen=True)
class CleanPage:
    """A page that the fast path takes, and what it lacks."""

    body: bytes
    extras: list[str | None]
    """JSON text for `_extra` of each event, in order."""
    surprises: Counter[Surprise]


class _Page(msgspec.Struct):
    value: list[msgspec.Raw]


class UndeclaredReader:
    """Parts pages of one shape of event; counts what was no column's in `surprises`."""

    def __init__(self, shape: Group) -> None:
        self._decode_page = msgspec.json.Decoder(_Page).decode
        self._decode = msgspec.json.Decoder().decode
        self._notes: Notes = set()
        self._fit = fit_event(shape, self._notes)
        self._fit_careful = fit_event(shape, self._notes, careful=True)
        self._met: Counter[Surprise] = Counter()

    def clean(self, body: bytes) -> CleanPage:
        """The page in two parts, and what surprised; Corrupt if it is no page."""
        self._met = Counter()
        part: Callable[[Any], Parts] = self._part
        if (events := self._raws(body)) is None:
            part, events = self._part_careful, _events(body)
        fitting: list[bytes] = []
        extras: list[str | None] = []
        for start in range(0, len(events), CHUNK):
            parts = [part(event) for event in events[start : start + CHUNK]]
            fitting.append(orjson.dumps([fit for fit, _ in parts])[1:-1])
            extras += [extra for _, extra in parts]
        return CleanPage(b'{"value":[' + b",".join(fitting) + b"]}", extras, self._met)

    def _raws(self, body: bytes) -> list[Any] | None:
        """The bytes of each event, if the page can be cut up without looking into them."""
        try:
            return list(self._decode_page(body).value)
        except UNREADABLE:
            return None

    def _part(self, raw: msgspec.Raw) -> Parts:
        try:
            fit, rest = self._parted(self._fit, self._decode(raw))
            extra = orjson.dumps(rest).decode() if rest else None
        except UNREADABLE:
            return self._part_odd(bytes(raw))
        self._count()
        return fit, extra

    def _part_odd(self, raw: bytes) -> Parts:
        """As far as anybody can read it; what nobody can is nothing, so that it is rejected."""
        try:
            return self._part_careful(verbatim.loads(raw))
        except UNREADABLE:
            return None, None

    def _part_careful(self, event: Any) -> Parts:
        fit, rest = self._parted(self._fit_careful, event)
        self._count()
        return fit, verbatim.dumps(rest) if rest else None

    def _parted(self, fit: Fit, event: Any) -> tuple[Any, Any]:
        """What fits and the rest; nothing of what is no object, so that it is rejected."""
        self._notes.clear()
        return fit(event) if type(event) is dict else (None, None)

    def _count(self) -> None:
        self._met.update(self._notes)


def _parsed(body: bytes) -> Any:
    try:
        return verbatim.loads(body)
    except ValueError as error:
        raise Corrupt("A stored page is not JSON: read the window again.") from error


def _events(body: bytes) -> list[Any]:
    page = _parsed(body)
    if not isinstance(page, dict) or not isinstance(page.get("value"), list):
        raise Corrupt("A stored page has no list of events: read the window again.")
    events: list[Any] = page["value"]
    return events
