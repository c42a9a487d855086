"""What a read held that no column takes, by name and type: never a value."""

from collections import Counter
from collections.abc import Mapping
from json import dumps
from typing import NamedTuple

MOST = 200
"""How many surprises are told apart in one read; further ones are counted together."""
LONGEST = 120
"""Characters of a name: whoever sends a name chooses it."""


class Surprise(NamedTuple):
    """A property without a column (`name`), or a value that does not fit its column (no `name`)."""

    path: str
    """Of the object that has the property, or of the value: `initiatedBy.user`, `status[]`."""
    name: str
    kind: str
    """JSON's name of the value's type."""

    def __str__(self) -> str:
        """`status.newThing: string`; in ASCII and cut, so that it is fit for a log line."""
        where = f"{self.path}.{self.name}" if self.path and self.name else self.path or self.name
        return f"{dumps(where)[1:-1][:LONGEST]}: {self.kind}"


class Surprises:
    """Counts events by surprise."""

    def __init__(self) -> None:
        self._counts: Counter[Surprise] = Counter()
        self._others = 0

    def count(self, found: Mapping[Surprise, int]) -> None:
        """Add events by surprise."""
        for surprise, events in found.items():
            if surprise in self._counts or len(self._counts) < MOST:
                self._counts[surprise] += events
            else:
                self._others += events

    def told(self) -> dict[str, int]:
        """Events by surprise, in order of name; `(others)` for what is beyond `MOST`."""
        told: Counter[str] = Counter()
        for surprise, events in self._counts.items():
            told[str(surprise)] += events
        others = {"(others)": self._others} if self._others else {}
        return dict(sorted(told.items())) | others
