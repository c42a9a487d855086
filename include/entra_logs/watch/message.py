"""The words of one notification. No event, no name of a person, no secret: counts and times."""

from collections.abc import Sequence
from dataclasses import dataclass

from include.entra_logs.watch.cause import Cause
from include.entra_logs.watch.changes import Changes

MOST = 20
"""Lines of one sort in a message; the log of the watch has all of them."""


@dataclass(frozen=True)
class Message:
    """A title and lines of plain text."""

    title: str
    lines: tuple[str, ...]


def message(changes: Changes) -> Message:
    """What is new, with what to do; then what is over."""
    new = [f"{cause.says} {cause.remedy}" for cause in changes.new]
    over = [f"Over: {cause.title}." for cause in changes.over]
    forgotten = [
        f"No longer watched: {cause.title}. Graph has begun to forget it, so it cannot be mended "
        "from there any more."
        for cause in changes.forgotten
    ]
    return Message(_title(changes), (*_cut(new), *_cut(over), *_cut(forgotten)))


def _title(changes: Changes) -> str:
    """The first cause by name, and how many there are."""
    ended: Sequence[Cause] = (*changes.over, *changes.forgotten)
    said = []
    if changes.new:
        more = f" and {len(changes.new) - 1} more" if len(changes.new) > 1 else ""
        said.append(f"{changes.new[0].title}{more}")
    if ended:
        said.append(f"{len(ended)} over" if changes.new else _ended(ended))
    return f"Entra Lake: {'; '.join(said)}"


def _ended(ended: Sequence[Cause]) -> str:
    more = f" and {len(ended) - 1} more" if len(ended) > 1 else ""
    return f"over: {ended[0].title}{more}"


def _cut(lines: list[str]) -> list[str]:
    if len(lines) <= MOST:
        return lines
    rest = f"… and {len(lines) - MOST} more: see the log of entra_lake_watch."
    return [*lines[:MOST], rest]
