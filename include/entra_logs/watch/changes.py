"""What is new and what is over, compared with what was told: each cause once, and its end once."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from include.entra_logs.api import Window
from include.entra_logs.watch.cause import Cause, Kind, Topic, joined


@dataclass(frozen=True)
class Changes:
    """The difference between two looks."""

    new: tuple[Cause, ...]
    over: tuple[Cause, ...]
    """As they were told."""
    forgotten: tuple[Cause, ...]
    """Told, not mended, and now too old to be: Graph has begun to forget their intervals."""
    told: tuple[Cause, ...]
    """What is told once `new` and the ends are."""

    @property
    def any(self) -> bool:
        """Whether there is something to tell."""
        return bool(self.new or self.over or self.forgotten)


def changes(
    told: Sequence[Cause], now: Sequence[Cause], since: Mapping[str, datetime] | None = None
) -> Changes:
    """What to tell when `now` is there and `told` was.

    A cause that grows to neighbouring intervals, or shrinks, stays the same one: it is over when
    none of its intervals is left. `since` says by API before when nothing is looked at.
    """
    going_on = [cause for cause in told if any(each.continues(cause) for each in now)]
    gone = [cause for cause in told if cause not in going_on]
    forgotten = [cause for cause in gone if _is_older(cause, since or {})]
    new = [
        cause
        for cause in now
        if not cause.under_way and not any(cause.continues(each) for each in told)
    ]
    grown = [each for each in now if any(each.continues(cause) for cause in going_on)]
    return Changes(
        new=tuple(new),
        over=tuple(cause for cause in gone if cause not in forgotten),
        forgotten=tuple(forgotten),
        told=tuple(_spanned([*going_on, *grown, *new])),
    )


def _is_older(cause: Cause, since: Mapping[str, datetime]) -> bool:
    edge = since.get(cause.topic.api)
    return edge is not None and cause.window is not None and cause.window.end <= edge


def _spanned(causes: Iterable[Cause]) -> Iterator[Cause]:
    """By topic what these span, without their words; what meets is one."""
    windows: dict[Topic, list[Window]] = {}
    for cause in causes:
        windows.setdefault(cause.topic, []).extend([cause.window] if cause.window else [])
    for topic, found in windows.items():
        if not found:
            yield Cause(topic)
        yield from (Cause(topic, window) for window in joined(found))


def to_text(told: Iterable[Cause]) -> str:
    """What `from_text` reads: topics and windows, none of the words."""
    return json.dumps([_row(cause) for cause in told])


def _row(cause: Cause) -> dict[str, str]:
    window = cause.window
    ends = {"start": window.start.isoformat(), "end": window.end.isoformat()} if window else {}
    return {**cause.topic._asdict(), "kind": cause.topic.kind.name, **ends}


def from_text(text: str) -> tuple[Cause, ...]:
    """The causes that `to_text` wrote. Raises ValueError for anything else."""
    try:
        return tuple(_cause(row) for row in json.loads(text))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not what was told: {type(error).__name__}") from None


def _cause(row: Mapping[str, str]) -> Cause:
    topic = Topic(Kind[row["kind"]], row["api"], row["tenant_id"], row["name"])
    if "start" not in row:
        return Cause(topic)
    moments = (datetime.fromisoformat(row[end]) for end in ("start", "end"))
    return Cause(topic, Window(*moments))
