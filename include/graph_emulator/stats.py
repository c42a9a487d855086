"""What the emulator saw: requests, refusals, pages and peaks, per API."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ApiStats:
    """The counts of one API, or of the token endpoint."""

    requests: int = 0
    refused: int = 0
    """Answered with 429 by the throttle or a fault."""
    bearer: int = 0
    """Carried an Authorization header with a bearer token."""
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    rows: int = 0
    bytes: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    peak: int = 0
    """Most requests that arrived in any 10 seconds."""
    arrivals: deque[float] = field(default_factory=deque)


@dataclass
class Stats:
    """The counts of every API, and a log of the last requests."""

    apis: dict[str, ApiStats] = field(default_factory=dict)
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=20_000))

    def _of(self, api: str) -> ApiStats:
        return self.apis.setdefault(api, ApiStats())

    def arrive(self, api: str, *, bearer: bool) -> None:
        """Count a request that came in."""
        it, now = self._of(api), time.monotonic()
        it.requests += 1
        it.bearer += bearer
        it.in_flight += 1
        it.most_in_flight = max(it.most_in_flight, it.in_flight)
        it.arrivals.append(now)
        while it.arrivals[0] <= now - 10:
            it.arrivals.popleft()
        it.peak = max(it.peak, len(it.arrivals))

    def leave(self, api: str, url: str, status: int, size: int) -> None:
        """Count its answer; `status` 0 is a connection that was broken or silent."""
        it = self._of(api)
        it.in_flight -= 1
        it.statuses[status] += 1
        it.refused += status == 429
        it.bytes += size
        self.log.append({"api": api, "url": url, "status": status, "bytes": size})

    def fault(self, api: str, kind: str) -> None:
        """Count a fault."""
        self._of(api).faults[kind] += 1

    def page(self, api: str, rows: int, offset: int) -> None:
        """Count the rows of a page; `offset` is where it begins in its chain."""
        it = self._of(api)
        it.pages += 1
        it.rows += rows
        self.log.append({"api": api, "page_at": offset, "rows": rows})

    def as_json(self) -> dict[str, Any]:
        """Every count, by API."""
        return {
            api: {
                name: {str(k): n for k, n in value.items()} if isinstance(value, Counter) else value
                for name, value in vars(it).items()
                if name != "arrivals"
            }
            for api, it in self.apis.items()
        }
