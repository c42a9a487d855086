"""What the page keeps between requests: objects of the ledger by their tags, answers for seconds.

Both are bounded, and shared by all who look.
"""

import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

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
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def list(self, prefix: str) -> Iterator[Stored]:
        """As a store lists; the tags are kept."""
        found = list(super().list(prefix))
        with self._lock:
            below = f"{prefix}/"
            self._tags = {k: tag for k, tag in self._tags.items() if not k.startswith(below)}
            self._tags.update((stored.key, stored.tag) for stored in found)
        return iter(found)

    def get(self, key: str) -> bytes | None:
        """The whole object as the last listing had it, or newer; None if there is none."""
        with self._lock:
            tag = self._tags.get(key)
            if key in self._kept and self._kept[key][0] == tag:
                self._kept.move_to_end(key)
                return self._kept[key][1]
        body = super().get(key)
        if tag is not None and body is not None:
            self._keep(key, tag, body)
        return body

    def _keep(self, key: str, tag: str, body: bytes) -> None:
        with self._lock:
            self._size += len(body) - len(self._kept.pop(key, ("", b""))[1])
            self._kept[key] = (tag, body)
            while self._size > MOST_BYTES:
                _, (_, oldest) = self._kept.popitem(last=False)
                self._size -= len(oldest)


class Answers:
    """Answers by question, each made once in so many seconds whoever asks."""

    def __init__(self) -> None:
        self._made: OrderedDict[Any, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, question: Any, make: Callable[[], _T]) -> _T:
        """The answer, at most `FRESH_FOR` old; `make()` if there is none. One is made at a time.

        Raises Transient for who would wait long: a lake that does not answer must not hold the
        threads that serve all of Airflow.
        """
        if not self._lock.acquire(timeout=PATIENCE):
            raise Transient("The ledger is slow to read at the moment: ask again in a minute.")
        try:
            at, answer = self._made.get(question, (-FRESH_FOR, None))
            if time.monotonic() - at < FRESH_FOR:
                kept: _T = answer
                return kept
            with _collecting_later():
                made = make()
            self._made[question] = (time.monotonic(), made)
            self._made.move_to_end(question)
            if len(self._made) > MOST_ANSWERS:
                self._made.popitem(last=False)
            return made
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
