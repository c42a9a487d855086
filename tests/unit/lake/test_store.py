"""The store on local disk: whole objects, conditional writes, errors with a remedy."""

import errno
import multiprocessing
import os
import resource
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from include.entra_logs.errors import Corrupt, Refused, Transient
from include.entra_logs.lake import Lake, layout, local_publisher, open_lake
from include.entra_logs.lake.local_publisher import Modes

KEY = "tables/t/tenant_id=x/date=2026-11-22/hour=04/events.parquet"


def test_a_fresh_lake_passes_its_check_and_is_left_as_it_was(lake: Lake) -> None:
    """The probe proves writing, reading and conditional writes, and goes."""
    lake.check()
    assert [found.key for found in lake.store.list("")] == [layout.LOCK]


def test_conditional_writes(lake: Lake) -> None:
    """Of two writers that saw the same, one succeeds."""
    store = lake.store
    assert store.put_if_absent(KEY, b"1")
    assert not store.put_if_absent(KEY, b"2")
    tag = store.tag(KEY)
    assert store.replace_if_unchanged(KEY, b"2", tag)
    assert not store.replace_if_unchanged(KEY, b"3", tag)
    assert store.get(KEY) == b"2"
    store.delete(KEY)
    assert not store.replace_if_unchanged(KEY, b"3", tag)
    assert store.get(KEY) is None


def test_many_threads_replace_one_object(lake: Lake) -> None:
    """Each compare-and-set that succeeds builds on the one before it."""
    lake.store.put(KEY, b"0")

    def count() -> None:
        done = 0
        while done < 25:
            tag = lake.store.tag(KEY)
            value = int(lake.store.get(KEY) or b"")
            if tag and lake.store.replace_if_unchanged(KEY, b"%d" % (value + 1), tag):
                done += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A value read before its tag would be a lost update; read after it, it is at most newer.
    assert lake.store.get(KEY) == b"100"


def test_a_reader_keeps_the_version_that_it_opened(lake: Lake) -> None:
    """Replacing a file does not disturb who reads it."""
    lake.store.put(KEY, b"old" * 1000)
    path = Path(lake.url.removeprefix("file://")) / KEY
    with path.open("rb") as reader:
        first = reader.read(3)
        lake.store.put(KEY, b"new" * 1000)
        assert first + reader.read() == b"old" * 1000


def test_a_snapshot_stays_what_it_was(lake: Lake) -> None:
    """Its content and its tag belong together, whatever replaces the object."""
    lake.store.put(KEY, b"old")
    with lake.store.scratch() as folder:
        tag = lake.store.snapshot(KEY, folder / "stored")
        assert tag == lake.store.tag(KEY)
        lake.store.put(KEY, b"new")
        assert (folder / "stored").read_bytes() == b"old"
        assert not lake.store.replace_if_unchanged(KEY, b"newer", tag)
        assert lake.store.snapshot("x", folder / "missing") is None


def test_open_never_mixes_two_versions(lake: Lake) -> None:
    """A reader reads to its end what it opened, whatever replaces the object meanwhile."""
    lake.store.put(KEY, b"a" * 3_000_000)
    with lake.store.open(KEY) as source:
        assert source.read(10) == b"a" * 10
        lake.store.put(KEY, b"b" * 2_000_000)
        source.seek(-10, os.SEEK_END)
        assert (source.read(), source.tell()) == (b"a" * 10, 3_000_000)
    with lake.store.open(KEY) as source:
        assert source.read() == b"b" * 2_000_000


def test_what_is_missing(lake: Lake) -> None:
    """Absence is an answer where it may be, and an error that names the object where not."""
    store = lake.store
    assert (store.get("x"), store.tag("x"), list(store.list("x"))) == (None, None, [])
    store.delete(["x", "y"])
    assert store.delete_prefix("x") == 0
    with pytest.raises(Corrupt, match="x/y is missing"):
        store.get_range("x/y", 0, 1)
    with pytest.raises(Corrupt, match="x/y is missing"), store.open("x/y"):
        pass


def test_deleting_many(lake: Lake) -> None:
    """More than one request of Azure takes, one of them gone already, and nothing else."""
    keys = [f"a/{n:03} +%ä" for n in range(300)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: lake.store.put(key, b"1"), [*keys, "b"]))
    lake.store.delete(keys[7])
    lake.store.delete(keys)
    assert [found.key for found in lake.store.list("") if found.key != layout.LOCK] == ["b"]


def test_deleting_a_folder_leaves_its_neighbours(lake: Lake) -> None:
    """A prefix is a folder, not the beginning of a name."""
    for key in ("a/b/c", "a/b/d/e", "a/bc"):
        lake.store.put(key, b"1")
    assert lake.store.delete_prefix("a/b") == 2
    assert [found.key for found in lake.store.list("a")] == ["a/bc"]
    assert not (Path(lake.url.removeprefix("file://")) / "a/b").exists()


def test_what_is_published_is_a_copy(lake: Lake, tmp_path: Path) -> None:
    """The file that was handed in may be written over afterwards."""
    mine = tmp_path / "mine"
    mine.write_bytes(b"1")
    lake.store.put(KEY, mine)
    mine.write_bytes(b"2")
    assert lake.store.get(KEY) == b"1"


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        pytest.param(errno.ENOSPC, Transient, "is full: free some space", id="full disk"),
        pytest.param(errno.EROFS, Refused, "ENTRA_LAKE_URL", id="read-only"),
        pytest.param(errno.EACCES, Refused, "read and write access", id="permission"),
        pytest.param(errno.EIO, Transient, "did not answer", id="input/output error"),
    ],
)
def test_a_disk_that_fails_is_said_in_one_sentence(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, code: int, error: type, says: str
) -> None:
    """The object stays as it was, nothing is left behind, and the message has the remedy."""
    lake.store.put(KEY, b"old")

    def fail(_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(local_publisher, "_sync", fail)
    with pytest.raises(error, match=says) as raised:
        lake.store.put(KEY, b"new")
    assert lake.url in str(raised.value)
    assert str(raised.value).count(".") <= lake.url.count(".") + 1
    assert lake.store.get(KEY) == b"old"
    assert [found.key for found in lake.store.list("staging")] == []


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file of this process grows beyond `size` bytes: what a full disk is to a writer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_keeps_what_was_there(lake: Lake, tmp_path: Path) -> None:
    """When the disk ends in the middle of a file, the old object is whole, the part is gone."""
    mine = tmp_path / "mine"
    mine.write_bytes(b"3" * 2_000_000)
    lake.store.put(KEY, b"1" * 1_000_000)
    for content in (b"2" * 2_000_000, mine):
        with room_for(1_500_000), pytest.raises(Transient, match="is full"):
            lake.store.put(KEY, content)
    assert lake.store.get(KEY) == b"1" * 1_000_000
    assert [found.key for found in lake.store.list("staging")] == []


def test_a_read_only_lake_is_refused_before_anything_is_asked(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`check` says that the lake cannot be written, and where to change that."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Modes, "opener", fail)
    with pytest.raises(Refused, match="ENTRA_LAKE_URL"):
        lake.check()


def _hold(url: str, held: object) -> None:
    publisher = open_lake(url).store._publisher
    with publisher._locked():
        held.set()
        threading.Event().wait(60)


def test_the_lock_ends_with_its_process(lake: Lake) -> None:
    """A writer that is killed while it holds the lock blocks nobody."""
    lake.store.put(KEY, b"1")
    spawn = multiprocessing.get_context("spawn")
    held = spawn.Event()
    process = spawn.Process(target=_hold, args=(lake.url, held))
    process.start()
    assert held.wait(60)
    process.kill()
    process.join()
    assert lake.store.put_if_absent("other", b"1")
