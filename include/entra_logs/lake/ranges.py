"""A seekable file over ranges of one version of an object."""

import io
from collections.abc import Callable
from typing import cast

import obstore
from obstore.exceptions import PreconditionError
from obstore.store import ObjectStore

from include.entra_logs.errors import Corrupt, Transient


def missing(key: str) -> Corrupt:
    """The error for an object that must be there."""
    return Corrupt(f"{key} is missing from the lake: run `make verify` to see what to rebuild.")


class Ranges(io.RawIOBase):
    """A seekable file over `read(start, end)`."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position, in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """The new position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: object) -> int:
        """How many bytes were put into `buffer`; 0 at the end."""
        view = cast("memoryview", memoryview(buffer))  # type: ignore[arg-type]
        end = min(self._size, self._at + len(view))
        if end <= self._at:
            return 0
        data = self._read(self._at, end)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def read_range(objects: ObjectStore, key: str, span: tuple[int, int], tag: str | None) -> bytes:
    """Bytes of the version `tag`; Transient if there is another by now."""
    try:
        found = obstore.get(objects, key, options={"range": span, "if_match": tag})
        return bytes(found.bytes())
    except PreconditionError:
        raise Transient(f"{key} was replaced while it was read: try again.") from None
    except FileNotFoundError:
        raise missing(key) from None
