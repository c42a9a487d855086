"""What the page keeps between requests: objects of the ledger by their tags, answers for seconds.

Both are bounded, and shared by all who look.
"""

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from cachetools import LRUCache, TTLCache, cachedmethod

from include.entra_logs.errors import Transient
from include.entra_logs.lake.store import Store, Stored

_T = TypeVar("_T")
MOST_BYTES = 64 * 1024 * 1024
MOST_ANSWERS = 32
FRESH_FOR = 15.0
"""Seconds: runs take minutes, so nobody sees the difference."""
PATIENCE = 10.0
"""Seconds that a request waits for another one's answer to be made."""


class RememberingStore(Store):
    """A store that reads an object again only if a listing has shown another tag of it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._tags: dict[str, str] = {}
        self._kept: LRUCache[Any, bytes | None] = LRUCache(MOST_BYTES, sys.getsizeof)
        self._lock = threading.Lock()

    def list(self, prefix: str) -> Iterator[Stored]:
        """As a store lists; the tags are kept."""
        found = list(super().list(prefix))
        with self._lock:
            below = f"{prefix}/"
            others = {k: tag for k, tag in self._tags.items() if not k.startswith(below)}
            self._tags = others | {stored.key: stored.tag for stored in found}
        return iter(found)

    def get(self, key: str) -> bytes | None:
        """The whole object as the last listing had it, or newer; None if there is none."""
        tag = self._tags.get(key)
        return super().get(key) if tag is None else self._of(key, tag)

    @cachedmethod(lambda self: self._kept, lock=lambda self: self._lock)
    def _of(self, key: str, _tag: str) -> bytes | None:
        return super().get(key)


class Answers:
    """Answers by question, each made once in so many seconds whoever asks."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._made: TTLCache[Any, Any] = TTLCache(MOST_ANSWERS, FRESH_FOR, timer)
        self._lock = threading.Lock()

    def get(self, question: Any, make: Callable[[], _T]) -> _T:
        """The answer, at most `FRESH_FOR` old; `make()` if there is none. One is made at a time.

        Raises Transient for who would wait long: a lake that does not answer must not hold the
        threads that serve all of Airflow.
        """
        if not self._lock.acquire(timeout=PATIENCE):
            raise Transient("The ledger is slow to read at the moment: ask again in a minute.")
        try:
            found: _T | None = self._made.get(question)
            if found is None:
                with _collecting_later():
                    found = self._made[question] = make()
            return found
        finally:
            self._lock.release()


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Meanwhile no search for cycles: an answer makes tens of thousands of objects and no cycle.

    Each search would look at all that Airflow holds, which was half of the time of an answer.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
