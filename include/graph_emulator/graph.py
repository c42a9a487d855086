"""One request for a collection: who asks, may he, what for, and the page that he gets."""

from dataclasses import dataclass, field

from include.graph_emulator import ticks
from include.graph_emulator.answers import Answer, Refusal
from include.graph_emulator.clock import Clock
from include.graph_emulator.collection import Collection
from include.graph_emulator.exchange import Exchange, Shared
from include.graph_emulator.faults import Occasion, Plan
from include.graph_emulator.misbehave import misbehave
from include.graph_emulator.odata import invalid
from include.graph_emulator.pages import Pages
from include.graph_emulator.query import Query, lost_token, understand
from include.graph_emulator.requests import Request
from include.graph_emulator.settings import Settings
from include.graph_emulator.stats import Stats
from include.graph_emulator.throttle import Throttle, refuse
from include.graph_emulator.tokens import Grant, Tokens

_NO_ROLE = "Calling principal does not have required MSGraph permissions {}"  # observed, 2024
_NO_SCOPE = "You cannot perform the requested operation, required scopes are missing in the token."
"""Observed in 2023; its status and code were not shown, so those are inferred."""
NOT_PREMIUM = (
    403,
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
    "Neither tenant is B2C or tenant doesn't have premium license",
)  # observed until 2026, also now and then on licensed tenants


@dataclass
class Graph:
    """Answers for every collection."""

    settings: Settings
    clock: Clock
    tokens: Tokens
    throttle: Throttle
    pages: Pages
    stats: Stats
    plan: Plan = field(default_factory=Plan)
    dead: set[int] = field(default_factory=set)
    """Chains of pages whose skip tokens are lost."""

    def answer(
        self, request: Request, collection: Collection, version: str, request_id: str
    ) -> Answer:
        """The page that `request` asks for; Refusal for everything else."""
        grant = self.tokens.check(request.headers.get("authorization"), request.host)
        wait = self.throttle.arrive(collection.workload, grant.app, grant.tenant)
        if wait is not None:
            raise refuse(collection.workload, wait, request_id)
        self._permit(grant, collection)
        now = self.clock.now()
        query = understand(collection, version, request.query, self.settings, now)
        self._keep_retention(query, now)
        if query.token.chain in self.dead:
            raise lost_token()
        at = now if self.settings.paging == "live" else query.token.at
        rows = self.pages.rows(query, grant.tenant, at, now)
        low, high = self.pages.bounds(query, now)
        wide = max(0, high - low) / ticks.SECOND
        shared = Shared(self.pages, self.tokens, self.dead)
        null_link = self.settings.null_next_link
        exchange = Exchange(request, query, rows, grant.tenant, at, now, null_link, shared)
        fault = self.plan.next(
            Occasion(
                collection.name, rows.position, rows.offset // query.top + 1, wide, not query.first
            )
        )
        if fault:
            self.stats.fault(collection.name, fault.kind)
            answer = misbehave(fault, exchange)
        else:
            answer = exchange.page()
        answer.delay += self._latency(wide)
        self.stats.page(collection.name, rows.count, rows.offset)
        return answer

    def _permit(self, grant: Grant, collection: Collection) -> None:
        """403 without role or licence (observed)."""
        if collection.permission not in grant.roles:
            if collection.workload == "audit":
                raise Refusal(
                    403,
                    "Authentication_MSGraphPermissionMissing",
                    _NO_ROLE.format(collection.permission),
                )
            raise Refusal(403, "Forbidden", _NO_SCOPE)
        if collection.needs_licence and not self.settings.tenants[grant.tenant].licensed:
            raise Refusal(*NOT_PREMIUM)

    def _keep_retention(self, query: Query, now: int) -> None:
        """400 for a filter that begins before what is kept (observed), if so set."""
        if self.settings.past_retention != "error":
            return
        days = self.settings.kept_days(query.collection.name)
        lows = [low for _, low, _ in query.filter.spans] + [query.filter.low]
        earliest = max(lows)
        if 0 < earliest < now - int(days * ticks.DAY):
            raise invalid()

    def _latency(self, wide: float) -> float:
        slow = self.settings.slow_wider_than
        delay = self.settings.latency
        if slow is not None and wide > slow:
            delay += self.settings.slow_seconds
        return delay / self.settings.time_scale
