"""The emulator's own clock: settable, and as fast or as slow as wanted."""

import time
from email.utils import format_datetime

from include.graph_emulator import ticks


class Clock:
    """A clock that starts at `start` (ticks) and runs `speed` times as fast as the real one."""

    def __init__(self, start: int, speed: float = 1.0) -> None:
        self.speed = speed
        self._start = start
        self._since = time.monotonic()

    def exact(self) -> int:
        """Ticks now."""
        return self._start + int((time.monotonic() - self._since) * self.speed * ticks.SECOND)

    def now(self) -> int:
        """Ticks now, in whole seconds like a `Date` header.

        What is visible is decided by this value, so the truth at the time of an answer's `Date`
        header is exactly what that answer could show.
        """
        return self.exact() // ticks.SECOND * ticks.SECOND

    def set(self, at: int, speed: float | None = None) -> None:
        """Go on from `at`, at `speed` if given."""
        self._start, self._since = at, time.monotonic()
        self.speed = self.speed if speed is None else speed

    def http_date(self) -> str:
        """Now as a `Date` header."""
        return format_datetime(ticks.to_datetime(self.now()), usegmt=True)
