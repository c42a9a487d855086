"""Publishing on this machine's own disk: fsync, then rename, under one lock for the lake.

What lies in a lake is personal data: its root is made for its owner alone, and whatever is made in
it may be read and written by its owner, and by the root's group as far as the root's own mode says
so; by others never. What exists keeps its mode.
"""

import errno
import fcntl
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

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
        self._modes = Modes.of(root)

    def put(self, key: str, content: Content) -> None:
        """Over whatever was there."""
        self._move(self._durable(content), key)

    def create(self, key: str, content: Content) -> bool:
        """Only where nothing is."""
        return self._publish(key, content, None)

    def replace(self, key: str, content: Content, tag: str) -> bool:
        """Only over the object that has `tag`."""
        return self._publish(key, content, tag)

    def copy(self, key: str, to: str) -> None:
        """Durable."""
        self._move(self._durable(self._root / key), to)

    def link(self, key: str, target: Path) -> str | None:
        """A hard link, which keeps this version whatever replaces it."""
        try:
            os.link(self._root / key, target)
        except OSError:  # no object, or a disk without links: who asks copies instead
            return None
        return self._tag(target.relative_to(self._root).as_posix())

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """On the lake's own disk."""
        made = tempfile.TemporaryDirectory(
            dir=self._folder(), prefix="build-", ignore_cleanup_errors=True
        )
        self._modes.give(Path(made.name), self._modes.folder)
        return made

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
        self._make_folders(folder)
        return folder

    def _durable(self, content: Content) -> Path:
        """A new file on the lake's own disk with `content`, written through."""
        built = self._folder() / uuid.uuid4().hex
        try:
            if isinstance(content, bytes):
                with open(built, "xb", opener=self._modes.opener) as file:
                    file.write(content)
            elif not self._linked(content, built):
                with content.open("rb") as old, open(built, "xb", opener=self._modes.opener) as new:
                    shutil.copyfileobj(old, new)
            self._modes.give(built, self._modes.file)
            _sync(built)
        except BaseException:
            built.unlink(missing_ok=True)
            raise
        return built

    def _linked(self, content: Path, built: Path) -> bool:
        """Whether `built` is a hard link to `content`, a file of `scratch`, now."""
        if not content.is_relative_to(self._root / layout.SCRATCH):
            return False
        try:
            os.link(content, built)
        except OSError:  # a disk without links, or of no more links: it is copied instead
            return False
        return True

    def _make_folders(self, folder: Path) -> None:
        """`folder` exists, and so does every folder above it after a power cut."""
        missing = []
        while folder != self._root and not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for new in reversed(missing):
            with suppress(FileExistsError):
                new.mkdir(self._modes.folder)
                self._modes.give(new, self._modes.folder)
            _sync(new.parent)

    def _move(self, built: Path, key: str) -> None:
        target = self._root / key
        for again in (True, False):
            try:
                self._make_folders(target.parent)
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
            fresh = not path.exists()
            handle = self._modes.opener(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
            try:
                if fresh:
                    self._modes.give(path, self._modes.file)
                fcntl.flock(handle, fcntl.LOCK_EX)
                if path.exists() and path.stat().st_ino == os.fstat(handle).st_ino:
                    yield
                    return
            finally:
                os.close(handle)


@dataclass(frozen=True)
class Modes:
    """The modes of what is made below a root."""

    folder: int
    file: int

    @classmethod
    def of(cls, root: Path) -> Self:
        """As the root's own mode says for owner and group; for others nothing."""
        group = stat.S_IMODE(root.stat().st_mode) & (stat.S_ISGID | stat.S_IRWXG)
        return cls(stat.S_IRWXU | group, 0o600 | (group & 0o060))

    def give(self, path: Path, mode: int) -> None:
        """`path` has the mode, whatever the umask; where the disk keeps none, as made."""
        if stat.S_IMODE(path.stat().st_mode) != mode:
            with suppress(PermissionError):
                path.chmod(mode)

    def opener(self, path: str | Path, flags: int) -> int:
        """As `os.open`; a file that this makes has the mode of files."""
        return os.open(path, flags, self.file)


def make_root(root: Path) -> None:
    """The root of a lake exists; if it is made now, it is its owner's alone."""
    if not root.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        root.mkdir(stat.S_IRWXU, exist_ok=True)
    elif not root.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "not a folder")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
