"""A table of the lake as it is declared: what its rows are and which version of a row is the newer.

Standard library only, as `api`: a table need not come from a collection of Graph.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No event is older: an earlier event or version time is no time (.NET's 0001-01-01 is none)."""
AHEAD = timedelta(days=1)
"""How far after the moment at which Graph was asked a time is still believed: clocks differ."""


@dataclass(frozen=True)
class Table:
    """One table. Its columns follow from Graph's metadata of `entity` (see `schema`).

    Properties (`event_time`, `updated_time`) are spelled as Graph spells them. A row's identity is
    its `id` and its `event_time`, in whose two hours it lies.
    """

    name: str
    """Of its folder below `tables/`."""
    title: str
    """What people call it, for docs and the UI."""
    entity: str
    """Type in Graph's metadata, e.g. `signIn`: it declares the columns."""
    event_time: str
    updated_time: str | None = None
    """The version field: of two versions of a row the one with the larger is the newer."""
    version: str = "v1.0"
    """Of Graph, in whose metadata `entity` is declared: `v1.0` or `beta`."""
