"""Publishing on this machine's own disk: fsync, then rename, under one lock for the lake."""

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import obstore
from obstore.store import LocalStore

from include.entra_logs.lake import layout
from include.entra_logs.lake.publisher import Content


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
