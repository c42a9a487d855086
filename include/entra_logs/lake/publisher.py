"""How a whole object gets its name: conditional writes on Azure, fsync and rename locally.

Both publishers keep one promise: a reader sees the old object or the new one, never a part; and of
two writers that name the same `tag` exactly one succeeds.
"""

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import AzureStore

Content = bytes | Path
"""What is published: bytes, or a file that is complete and is not changed any more."""

_CHUNK = 8 * 1024 * 1024


class Publisher(Protocol):
    """Puts whole objects in their place."""

    def put(self, key: str, content: Content) -> None:
        """`content` is at `key`, whatever was there."""

    def create(self, key: str, content: Content) -> bool:
        """True if nothing was at `key` and now `content` is."""

    def replace(self, key: str, content: Content, tag: str) -> bool:
        """True if the object at `key` still had `tag` and now is `content`."""

    def copy(self, key: str, to: str) -> None:
        """What is at `key` is at `to` as well. FileNotFoundError if nothing is."""

    def link(self, key: str, target: Path) -> str | None:
        """The tag of the object that `target` now names as well; None if that cannot be."""

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """A folder on this machine to build files in, gone when its context ends."""

    def tidy(self, prefix: str) -> None:
        """Remove folders below `prefix` that hold nothing."""


class AzurePublisher:
    """Conditional writes of Azure Blob Storage: If-None-Match and If-Match.

    A conditional write is one request, so its content is held in memory while it is sent.
    """

    def __init__(self, objects: AzureStore) -> None:
        self._objects = objects

    def put(self, key: str, content: Content) -> None:
        """Over whatever was there."""
        obstore.put(self._objects, key, content, chunk_size=_CHUNK)

    def create(self, key: str, content: Content) -> bool:
        """Only where nothing is."""
        with suppress(AlreadyExistsError, PreconditionError):
            obstore.put(self._objects, key, content, mode="create")
            return True
        return False

    def replace(self, key: str, content: Content, tag: str) -> bool:
        """Only over the object that has `tag`."""
        with suppress(AlreadyExistsError, PreconditionError):
            obstore.put(self._objects, key, content, mode={"e_tag": tag})
            return True
        return False

    def copy(self, key: str, to: str) -> None:
        """Within the account."""
        obstore.copy(self._objects, key, to)

    def link(self, key: str, target: Path) -> str | None:
        """Never: the object is elsewhere."""

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """In the machine's own place for such folders."""
        return tempfile.TemporaryDirectory(prefix="entra-lake-", ignore_cleanup_errors=True)

    def tidy(self, prefix: str) -> None:
        """Azure has no folders."""
