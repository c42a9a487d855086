"""Throttling: sliding windows at arrival, in which refused calls count too (documented)."""

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

from include.graph_emulator.answers import Refusal
from include.graph_emulator.settings import Settings


@dataclass(frozen=True)
class Limit:
    """At most `requests` in any `seconds`; `per` names what shares the limit."""

    requests: int
    seconds: float
    per: str


LIMITS = {
    # Microsoft Graph, "service-specific throttling limits"
    "audit": (Limit(5, 10, "app and tenant"), Limit(122, 10, "app")),
    "identityProtection": (Limit(1, 1, "tenant"),),
}


@dataclass
class Throttle:
    """Counts the requests of each workload."""

    settings: Settings
    _calls: dict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def arrive(self, workload: str, app: str, tenant: str) -> float | None:
        """Count a call; the seconds to wait if it is refused, None if it may pass."""
        if not self.settings.throttling:
            return None
        now = time.monotonic()
        waits = []
        for limit in LIMITS[workload]:
            who = {"app and tenant": f"{app} {tenant}", "app": app, "tenant": tenant}[limit.per]
            calls = self._calls[workload, f"{limit.per} {who}"]
            seconds = limit.seconds / self.settings.time_scale
            while calls and calls[0] <= now - seconds:
                calls.popleft()
            full = len(calls) >= limit.requests
            calls.append(now)
            if full:  # the refused call counts too, so the wait is reckoned with it
                waits.append(calls[-limit.requests] + seconds - now)
        return max(waits) if waits else None

    def forget(self) -> None:
        """Begin to count anew."""
        self._calls.clear()


def refuse(workload: str, wait: float, request_id: str) -> Refusal:
    """The 429 of a workload.

    Audit logs: code and message as seen in the field, Retry-After decimal (documented sample).
    Identity protection: no Retry-After (documented).
    """
    if workload == "audit":
        message = (
            "This request is throttled. Please try again after the value specified in the "
            f"Retry-After header. CorrelationId: {request_id}"
        )
        return Refusal(429, "UnknownError", message, {"Retry-After": f"{wait + 0.001:.3f}"})
    return Refusal(429, "TooManyRequests", "Please retry again later.")
