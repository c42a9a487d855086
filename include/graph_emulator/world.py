"""All the data there is: one timeline per tenant, API and kind of sign-in, made when needed."""

from typing import Any

from include.graph_emulator.apis import BY_NAME
from include.graph_emulator.audits import Audits
from include.graph_emulator.bucket import Source
from include.graph_emulator.company import company
from include.graph_emulator.overlay import Overlay
from include.graph_emulator.risks import Risks
from include.graph_emulator.settings import AUDITS, SIGN_INS, Settings
from include.graph_emulator.sign_ins import KINDS, SignIns
from include.graph_emulator.timeline import Timeline

_MOST_RISKS = 2000
"""Detections a day, unless asked for more: of people there are no more than that."""


class World:
    """The timelines of every tenant."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._timelines: dict[tuple[str, str, str], Timeline] = {}

    def timeline(self, tenant: str, api: str, kind: str = KINDS[0]) -> Timeline:
        """The timeline of `api` in `tenant`; `kind` is a `signInEventTypes` value."""
        key = (tenant, api, kind)
        if key not in self._timelines:
            source = self._source(*key)
            overlay = Overlay(BY_NAME[api].event_time, source.width)
            self._timelines[key] = Timeline(source, overlay, self._settings.cache_mb * 2**20)
        return self._timelines[key]

    def add(self, tenant: str, api: str, events: list[dict[str, Any]], now: int) -> None:
        """Put in events of a test's own."""
        self.timeline(tenant, api).overlay.add(events, now)

    def _source(self, tenant: str, api: str, kind: str) -> Source:
        it = self._settings
        domain = it.tenants[tenant].domains[0]
        people = company(it.seed, tenant, domain)
        risks = it.risks_per_day
        if risks is None:
            risks = min(it.sign_ins_per_day / 200, _MOST_RISKS)
        if api == SIGN_INS:
            return SignIns(it.seed, people, it.sign_ins_per_day, risks, it.lateness, kind)
        if api == AUDITS:
            per_day = it.sign_ins_per_day / 10 if it.audits_per_day is None else it.audits_per_day
            return Audits(it.seed, people, per_day, it.lateness)
        return Risks(it.seed, people, risks, it.lateness)
