"""Waiting for what others do."""

import time
from collections.abc import Callable


def wait_for(what: str, true: Callable[[], bool], within: float = 120) -> None:
    """Return once `true()` is; fail by name if it is not within so many seconds."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, f"{what}: not within {within:.0f} s"
        time.sleep(0.2)
