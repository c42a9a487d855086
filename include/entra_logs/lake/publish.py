"""How a whole object gets its name: conditional writes on Azure, fsync and rename locally.

Both publishers keep one promise: a reader sees the old object or the new one, never a part; and of
two writers that name the same `tag` exactly one succeeds.
"""

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import AzureStore, LocalStore

from include.entra_logs.lake import layout

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

    def delete(self, keys: list[str]) -> None:
        """There is nothing at `keys`. FileNotFoundError may mean that not all were tried."""

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

    def __init__(
        self, objects: AzureStore, delete: Callable[[list[str]], None] | None = None
    ) -> None:
        self._objects = objects
        self._delete = delete

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

    def delete(self, keys: list[str]) -> None:
        """In batches, or by the function that was given."""
        if self._delete:
            self._delete(keys)
        else:
            obstore.delete(self._objects, keys)

    def link(self, key: str, target: Path) -> str | None:
        """Never: the object is elsewhere."""

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """In the machine's own place for such folders."""
        return tempfile.TemporaryDirectory(prefix="entra-lake-")

    def tidy(self, prefix: str) -> None:
        """Azure has no folders."""


class LocalPublisher:
    """Temporary file in `staging/build`, fsync, rename, fsync of the folder; one lock per lake.

    The lock (flock on `staging/publish.lock`) is held only while tags are compared and names
    change, and ends with its process. It serves one machine, as `file://` does.
    """

    def __init__(self, objects: LocalStore, root: Path) -> None:
        self._objects = objects
        self._root = root

    def put(self, key: str, content: Content) -> None:
        """Over whatever was there."""
        self._move(self._durable(content), key)

    def create(self, key: str, content: Content) -> bool:
        """Only where nothing is."""
        return self._publish(key, content, None)

    def replace(self, key: str, content: Content, tag: str) -> bool:
        """Only over the object that has `tag`."""
        return self._publish(key, content, tag)

    def delete(self, keys: list[str]) -> None:
        """One after the other."""
        obstore.delete(self._objects, keys)

    def link(self, key: str, target: Path) -> str | None:
        """A hard link, which keeps this version whatever replaces it."""
        try:
            os.link(self._root / key, target)
        except OSError:  # no object, or a disk without links: who asks copies instead
            return None
        return self._tag(target.relative_to(self._root).as_posix())

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """On the lake's own disk."""
        return tempfile.TemporaryDirectory(dir=self._folder(), prefix="build-")

    def tidy(self, prefix: str) -> None:
        """Those that are in use stay."""
        for folder, _, _ in os.walk(self._root / prefix, topdown=False):
            with suppress(OSError):  # not empty: somebody writes there
                Path(folder).rmdir()

    def _publish(self, key: str, content: Content, tag: str | None) -> bool:
        built = self._durable(content)
        try:
            with self._locked():
                if self._tag(key) != tag:
                    return False
                self._move(built, key)
                return True
        finally:
            built.unlink(missing_ok=True)

    def _tag(self, key: str) -> str | None:
        try:
            return obstore.head(self._objects, key)["e_tag"]
        except FileNotFoundError:
            return None

    def _folder(self) -> Path:
        folder = self._root / layout.SCRATCH
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _durable(self, content: Content) -> Path:
        """A new file on the lake's own disk with `content`, written through."""
        built = self._folder() / uuid.uuid4().hex
        try:
            if isinstance(content, bytes):
                built.write_bytes(content)
            elif content.is_relative_to(self._root / layout.SCRATCH):
                os.link(content, built)
            else:
                shutil.copyfile(content, built)
            _sync(built)
        except BaseException:
            built.unlink(missing_ok=True)
            raise
        return built

    def _move(self, built: Path, key: str) -> None:
        target = self._root / key
        for again in (True, False):
            _make_folders(target.parent, self._root)
            try:
                built.replace(target)
                break
            except FileNotFoundError:  # the folder was tidied away in between
                if not again:
                    raise
        _sync(target.parent)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self._root / layout.LOCK
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                if path.exists() and path.stat().st_ino == os.fstat(handle).st_ino:
                    yield
                    return
            finally:
                os.close(handle)


def _make_folders(folder: Path, root: Path) -> None:
    """`folder` exists, and so does every folder above it after a power cut."""
    missing = []
    while folder != root and not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True, parents=True)
        _sync(new.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
