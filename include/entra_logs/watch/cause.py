"""One thing that needs attention: what it is about, what is wrong, what to do."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from include.entra_logs.api import Window


class Kind(StrEnum):
    """What can be wrong, as a title of it begins."""

    BEHIND = "behind its freshness target"
    MISSING = "missing"
    DISPUTED = "disputed"
    FAILED = "failed"
    REJECTS = "defective events"
    BROKEN = "broken in the ledger"
    CONFLICTS = "contradicting events"
    SURPRISE = "new in Graph's answers"
    CLOCK = "clocks differ"
    CERTIFICATE = "certificate"
    BLIND = "the watch cannot see"


class Topic(NamedTuple):
    """What a cause is about, whatever its window."""

    kind: Kind
    api: str = ""
    tenant_id: str = ""
    name: str = ""
    """What tells causes of one kind and API apart: a DAG, a property, a connection."""


@dataclass(frozen=True)
class Cause:
    """Equal if it is about the same; the words may differ from one look to the next."""

    topic: Topic
    window: Window | None = None
    """The intervals that it spans, neighbours in one; None where time does not tell it apart."""
    says: str = field(default="", compare=False)
    """What is wrong: one sentence."""
    remedy: str = field(default="", compare=False)
    """What to do: one sentence, with the exact command where there is one."""
    under_way: bool = field(default=False, compare=False)
    """Something is done about it already: not over yet, but no reason to start telling it."""

    @property
    def key(self) -> str:
        """What names it, the same at every look while its window stays."""
        about = [self.topic.kind.name.lower(), *self.topic[1:], str(self.window or "")]
        return " ".join(part for part in about if part)

    @property
    def title(self) -> str:
        """What it is about in a few words, as in `sign_ins [00:00, 02:00): missing`."""
        about = [self.topic.api, self.topic.name, str(self.window or "")]
        shown = " ".join(part for part in about if part)
        return f"{shown}: {self.topic.kind}" if shown else str(self.topic.kind)

    def continues(self, earlier: "Cause") -> bool:
        """Whether this is `earlier` still: about the same, and its window meets the other's."""
        if self.topic != earlier.topic or self.window is None or earlier.window is None:
            return self.topic == earlier.topic
        return self.window.start <= earlier.window.end and earlier.window.start <= self.window.end


def joined(windows: list[Window]) -> list[Window]:
    """The windows ascending, those that meet in one."""
    found: list[Window] = []
    for window in sorted(windows):
        if found and window.start <= found[-1].end:
            found[-1] = Window(found[-1].start, max(found[-1].end, window.end))
        else:
            found.append(window)
    return found
