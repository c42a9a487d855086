"""All the data there is: one timeline per tenant, collection and kind, made when needed."""

from collections.abc import Sequence
from typing import Any

from include.graph_emulator.catalogue import BY_NAME
from include.graph_emulator.company import company
from include.graph_emulator.overlay import Overlay
from include.graph_emulator.settings import Settings
from include.graph_emulator.timeline import Timeline


class World:
    """The timelines of every tenant."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timelines: dict[tuple[str, str, str], Timeline] = {}

    def timeline(self, tenant: str, name: str, kind: str | None = None) -> Timeline:
        """The timeline of a collection in `tenant`; None is the kind that is shown unasked."""
        collection = BY_NAME[name]
        kind = collection.kinds[0] if kind is None else kind
        key = (tenant, name, kind)
        if key not in self._timelines:
            it = self._settings
            people = company(it.seed, tenant, it.tenants[tenant].domains[0])
            source = collection.generator(it, people, kind)
            overlay = Overlay(collection.event_time, source.width)
            self._timelines[key] = Timeline(source, overlay, it.cache_mb * 2**20)
        return self._timelines[key]

    def shown(self, tenant: str, name: str, version: str, kinds: Sequence[str]) -> list[Timeline]:
        """What a filter that names `kinds` looks at; v1.0 has no kinds but the first."""
        found = BY_NAME[name].kinds
        named = [kind for kind in found if kind in kinds]
        if version != "beta" or not kinds:
            named = [found[0]]
        return [self.timeline(tenant, name, kind) for kind in named]

    def add(self, tenant: str, name: str, events: list[dict[str, Any]], now: int) -> None:
        """Put in events of a test's own, each to its kind."""
        for kind in BY_NAME[name].kinds:
            found = [event for event in events if BY_NAME[name].kind_of(event) == kind]
            if found:
                self.timeline(tenant, name, kind).overlay.add(found, now)
