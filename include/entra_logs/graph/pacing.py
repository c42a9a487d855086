"""The budget of a workload, kept before Graph has to refuse: one request at a time, evenly.

A bucket that allows bursts breaks Graph's sliding window (five at once, then refills), so the
limiter lets one request through every `seconds / requests`.
"""

import asyncio
import random
from collections.abc import Callable

from aiolimiter import AsyncLimiter

from include.entra_logs.api import Budget
from include.entra_logs.errors import Throttled

MARGIN = 1.02
"""Share by which the interval is longer than allowed: the network delays some requests more than
others, and Graph counts them where they arrive."""
SLOWEST = 8.0
FIRST_BACKOFF, LONGEST_BACKOFF = 2.0, 60.0


class Pace:
    """When the next request of a read may be sent. For one event loop; times in Graph's seconds.

    `scale` shortens every wait for tests (1 is real time). `patience`: see Limits.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        scale: float = 1.0,
        patience: float = 180.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.interval = budget.seconds / budget.requests * MARGIN
        self.waited = 0.0
        self.requests = 0
        self.throttled = 0
        self._scale = scale
        self._patience = patience
        self._jitter = jitter
        self._limiter = AsyncLimiter(1, self.interval * scale) if scale else None
        self._slowness = 1.0
        self._queue = asyncio.Lock()
        self._virtual = 0.0
        self._until = 0.0
        self._hold = 0.0
        self._refused_in_a_row = 0
        self._refused_since: float | None = None

    def now(self) -> float:
        """The loop's clock in Graph's seconds; where `scale` is 0 only waiting moves it."""
        return asyncio.get_running_loop().time() / self._scale if self._scale else self._virtual

    def hold(self, seconds: float) -> None:
        """Let the first request wait: others may have used the budget just before."""
        self._hold = seconds

    @property
    def real_interval(self) -> float:
        """Seconds between two requests by the wall clock."""
        return self.interval * self._scale

    async def turn(self) -> float:
        """The seconds waited, on return of which the caller sends one request at once."""
        began = self.now()
        async with self._queue:
            await self._open()
            if self._limiter:
                await self._limiter.acquire()
                await self._open()  # a refusal may have come meanwhile
            if self._slowness > 1:
                self._until = max(self._until, self.now() + self.interval * self._slowness)
        self.requests += 1
        waited = self.now() - began
        self.waited += waited
        return waited

    async def _open(self) -> None:
        """Return once nobody has to hold back any more."""
        if self._hold:
            self._until, self._hold = max(self._until, self.now() + self._hold), 0.0
        while (rest := self._until - self.now()) > 0:
            await self._pause(rest)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._scale)
        if not self._scale:
            self._virtual += seconds

    async def sleep(self, seconds: float) -> float:
        """Wait that many of Graph's seconds, and return them."""
        await self._pause(seconds)
        self.waited += seconds
        return seconds

    def passed(self) -> None:
        """Graph gave a page: back towards full speed."""
        self._refused_in_a_row = 0
        self._refused_since = None
        self._slowness = max(1.0, self._slowness * 0.8)

    def refused(self, wait: float) -> None:
        """Graph refused (429): nobody asks again for `wait` seconds, 0 meaning "it did not say".

        Raises Throttled when that, with what was waited since the last page, exceeds the patience.
        """
        self.throttled += 1
        self._refused_in_a_row += 1
        self._slowness = min(SLOWEST, self._slowness * 1.5)
        wait = wait or self.backoff(self._refused_in_a_row)
        now = self.now()
        if self._refused_since is None:
            self._refused_since = now
        if now + wait - self._refused_since > self._patience:
            wait = max(wait, self._patience)
            raise Throttled(f"Graph throttles this app; it is asked again in {wait:.0f} s.", wait)
        self._until = max(self._until, now + wait)

    def backoff(self, failures: int) -> float:
        """Seconds before try `failures + 1`: doubling, capped, with jitter of up to a half."""
        wait = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(failures - 1, 10))
        return wait * (0.5 + self._jitter() / 2)
