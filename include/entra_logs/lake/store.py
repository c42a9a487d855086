"""One face for both stores: objects by key, conditional writes, errors that name the remedy.

Reading, listing and deleting is obstore for both. Writing is `publisher`, since obstore's local
store has no compare-and-set and does not write through.
"""

import errno
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import obstore
import pyarrow as pa
from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnknownConfigurationKeyError,
)
from obstore.store import ObjectStore
from zstandard import ZstdError

from include.entra_logs.errors import Corrupt, EntraLakeError, Refused, Transient
from include.entra_logs.lake.publisher import Content, Publisher

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def store_errors(url: str) -> Iterator[None]:
    """Raises Refused or Transient for what the store raises inside."""
    try:
        yield
    except BaseError as error:
        raise _from_obstore(error, url) from None
    except OSError as error:
        raise _from_os(error, url) from None


@contextmanager
def machine_errors() -> Iterator[None]:
    """Raises Refused or Transient for what this machine's own files raise inside."""
    try:
        yield
    except OSError as error:
        raise machine_error(error) from None
    except (pa.ArrowException, ZstdError) as error:
        if "No space left" not in str(error):
            raise
        raise machine_error(OSError(errno.ENOSPC, "")) from None


def machine_error(error: OSError) -> EntraLakeError:
    """What a failed operation on a file of this machine means, and what to do about it."""
    place = f"the folder for temporary files ({tempfile.gettempdir()}) or of a local lake"
    if error.errno in _FULL or "No space left" in str(error):
        return Transient(f"A disk of this machine is full, that of {place}: free some space.")
    if error.errno in _DENIED:
        return Refused(
            f"This user may not write on this machine, in {place}: give it access, or set TMPDIR "
            "or ENTRA_LAKE_URL to a place that it may write."
        )
    return Transient(
        f"A file of this machine could not be used (errno {error.errno}), in {place}: try again; "
        "if it stays so, check that disk."
    )


@dataclass(frozen=True)
class Stored:
    """An object as a listing shows it."""

    key: str
    size: int
    modified: datetime
    tag: str


class Store:
    """Objects of one lake. Thread-safe. Raises Refused, Transient or Corrupt only."""

    def __init__(self, url: str, objects: ObjectStore, publisher: Publisher) -> None:
        self.url = url
        self._objects = objects
        self._publisher = publisher

    def get(self, key: str) -> bytes | None:
        """The whole object; None if there is none."""
        with store_errors(self.url):
            try:
                return bytes(obstore.get(self._objects, key).bytes())
            except FileNotFoundError:
                return None

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """`length` bytes from `start`, fewer at the object's end; Corrupt if there is no object."""
        with store_errors(self.url):
            try:
                return bytes(obstore.get_range(self._objects, key, start=start, length=length))
            except FileNotFoundError:
                raise _missing(key) from None

    def tag(self, key: str) -> str | None:
        """What changes whenever the object does; None if there is none."""
        with store_errors(self.url):
            try:
                return obstore.head(self._objects, key)["e_tag"]
            except FileNotFoundError:
                return None

    def fetch(self, key: str, target: Path) -> str | None:
        """The tag of the object now copied whole to the file `target`; None if there is none."""
        with store_errors(self.url):
            try:
                found = obstore.get(self._objects, key)
            except FileNotFoundError:
                return None
            target.unlink(missing_ok=True)  # it may be published under another name (a hard link)
            with target.open("wb") as file:
                for chunk in found.stream():
                    file.write(chunk)
            return found.meta["e_tag"]

    def snapshot(self, key: str, target: Path) -> str | None:
        """As `fetch`, but `target`, in a folder of `scratch`, is only to be read: maybe a link."""
        with store_errors(self.url):
            tag = self._publisher.link(key, target)
        return tag or self.fetch(key, target)

    @contextmanager
    def open(self, key: str) -> Iterator[pa.NativeFile]:
        """A seekable reader of one version of the object, whatever replaces it; Corrupt if none.

        It reads a snapshot: obstore's own reader asks for each part without naming a version.
        """
        with self.scratch() as folder:
            target = folder / "object"
            if self.snapshot(key, target) is None:
                raise _missing(key)
            with pa.OSFile(str(target)) as file:
                yield file

    def put(self, key: str, content: Content) -> None:
        """`content` is at `key`, durable, whatever was there."""
        with store_errors(self.url):
            self._publisher.put(key, content)

    def put_if_absent(self, key: str, content: Content) -> bool:
        """True if nothing was at `key` and now `content` is; atomic."""
        with store_errors(self.url):
            return self._publisher.create(key, content)

    def replace_if_unchanged(self, key: str, content: Content, tag: str) -> bool:
        """True if the object still had `tag` and now is `content`; atomic."""
        with store_errors(self.url):
            return self._publisher.replace(key, content, tag)

    def copy(self, key: str, to: str) -> None:
        """The object is at `to` as well, without its bytes passing this machine."""
        with store_errors(self.url):
            try:
                self._publisher.copy(key, to)
            except FileNotFoundError:
                raise _missing(key) from None

    def list(self, prefix: str) -> Iterator[Stored]:
        """What lies below the folder `prefix`, in no order. Objects come and go meanwhile."""
        with store_errors(self.url):
            for chunk in obstore.list(self._objects, prefix or None, chunk_size=1000):
                for found in chunk:
                    yield Stored(
                        found["path"], found["size"], found["last_modified"], found["e_tag"] or ""
                    )

    def folders(self, prefix: str) -> Iterator[str]:
        """The folders right below the folder `prefix`."""
        with store_errors(self.url):
            yield from obstore.list_with_delimiter(self._objects, prefix)["common_prefixes"]

    def delete(self, keys: str | Iterable[str]) -> None:
        """There is no object at these keys any more; there need not have been one.

        On Azure by Blob Batch, which a shared access signature of the account or the container may
        ask for (Azurite knows only the container's).
        """
        gone = [keys] if isinstance(keys, str) else list(keys)
        with store_errors(self.url):
            try:
                obstore.delete(self._objects, gone)
            except FileNotFoundError:  # maybe not all were tried
                for key in gone:
                    with suppress(FileNotFoundError):
                        obstore.delete(self._objects, key)

    def delete_prefix(self, prefix: str) -> int:
        """How many objects were deleted below the folder `prefix`."""
        keys = [found.key for found in self.list(prefix)]
        self.delete(keys)
        with store_errors(self.url):
            self._publisher.tidy(prefix)
        return len(keys)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder on this machine to build files in; gone afterwards.

        What this machine's disk refuses meanwhile, whoever writes there, leaves as Transient or
        Refused, as the store's own errors do.
        """
        with machine_errors():
            with store_errors(self.url):
                folder = self._publisher.scratch()
            with folder as name:
                yield Path(name)


def _missing(key: str) -> Corrupt:
    return Corrupt(f"{key} is missing from the lake: run `make verify` to see what to rebuild.")


def _from_os(error: OSError, url: str) -> EntraLakeError:
    if error.errno in _FULL or "No space left" in str(error):
        return Transient(f"The disk of the lake {url} is full: free some space, then run again.")
    if error.errno in _DENIED:
        return Refused(
            f"The lake {url} cannot be written or read by this user: give it read and write "
            "access, or set ENTRA_LAKE_URL to a place that it may write."
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError | FileExistsError):
        return Refused(
            f"The lake {url} does not exist: create its container or folder, or set "
            "ENTRA_LAKE_URL to one that exists."
        )
    return Transient(
        f"The lake {url} did not answer (errno {error.errno}): if it "
        "stays so, check ENTRA_LAKE_URL."
    )


def _from_obstore(error: BaseError, url: str) -> EntraLakeError:
    text = str(error)
    if "No space left" in text:
        return _from_os(OSError(errno.ENOSPC, ""), url)
    if "Read-only file system" in text or "Permission denied" in text:
        return _from_os(OSError(errno.EROFS, ""), url)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return Refused(
            f"The lake {url} refused the credentials of its connection: check them, and give "
            "the role Storage Blob Data Contributor on the container."
        )
    if isinstance(error, InvalidPathError | UnknownConfigurationKeyError):
        return Refused(
            f"The lake's address or connection is not valid: check ENTRA_LAKE_URL {url}."
        )
    return Transient(
        f"The lake {url} did not answer as it should ({type(error).__name__}): if it "
        "stays so, check ENTRA_LAKE_URL and its connection."
    )
