"""The declaration of a collection of Graph: one `Collection(...)` is all that the emulator needs.

Its pages, faults, truth, throttling and permission follow from it. Without a generator of its own
it has the events that are added, and no others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from include.graph_emulator.bucket import Nothing, Source
from include.graph_emulator.company import Company
from include.graph_emulator.settings import Settings

Generator = Callable[[Settings, Company, str], Source]
"""(settings, the tenant's people, kind of event) -> where the events come from."""


def nothing(_settings: Settings, _people: Company, _kind: str) -> Source:
    """No events but those that are added."""
    return Nothing()


@dataclass(frozen=True, eq=False)
class Collection:
    """One collection of Graph, and what it lets a client do."""

    name: str
    """What truth, faults and counts call it."""
    path: str
    event_time: str
    permission: str
    workload: Literal["audit", "identityProtection"]
    """Which throttling limit applies."""
    max_top: int
    default_top: int | None = None
    """Rows of a page where no `$top` is given; None is the maximum."""
    needs_licence: bool = False
    versions: tuple[str, ...] = ("v1.0", "beta")
    """Of Graph, which have it."""
    beta_path: str | None = None
    """A second path that beta has for it."""
    other_times: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """More properties of time, and how far before and after the event time they lie, in ticks."""
    updated_time: str | None = None
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Property -> operators (`eq`, `order`, `startswith`, `any`); empty: everything."""
    inclusive_gt: bool = False
    """`gt` and `lt` return rows equal to the bound."""
    strict_options: bool = True
    """`$select`, `$skip` and `$count` are refused."""
    tips: bool = False
    """Pages have `@microsoft.graph.tips`."""
    generator: Generator = nothing
    kind_property: str = ""
    """On beta, a list that says of what kinds an event is."""
    kinds: tuple[str, ...] = ("",)
    """Each has events of its own; the first alone is shown unless `$filter` names others."""

    @cached_property
    def times(self) -> Mapping[str, tuple[int, int]]:
        """Every property of time, the event time first."""
        return {self.event_time: (0, 0), **self.other_times}

    @property
    def any_operator(self) -> bool:
        """No list of supported operators is documented, so all are taken."""
        return not self.filters

    @property
    def generates(self) -> bool:
        """Whether it has events that nobody added."""
        return self.generator is not nothing

    def allows(self, name: str, operator: str) -> bool:
        """Whether `$filter` supports `operator` on the property (documented per property)."""
        return not self.filters or operator in self.filters.get(name, ())

    def at(self, version: str, path: str) -> bool:
        """Whether `path` (in any case) of that version of Graph is this collection."""
        paths = [self.path, *([self.beta_path] if self.beta_path and version == "beta" else [])]
        return version in self.versions and path.lower() in [known.lower() for known in paths]

    def kind_of(self, event: Mapping[str, Any]) -> str:
        """The kind of an added event: the first that it names, else the first there is."""
        named = event.get(self.kind_property)
        return next((kind for kind in self.kinds if kind in (named or ())), self.kinds[0])

    def context(self, version: str) -> str:
        """The fragment of `@odata.context`."""
        return f"https://graph.microsoft.com/{version}/$metadata#{self.path}"
