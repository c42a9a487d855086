"""SIGKILL in the middle of a load: readers see the old partition or the new one, whole."""

import multiprocessing
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.entra_logs.lake import open_lake
from include.entra_logs.merge.tables import key_columns, merge
from tests.kit.budget import counted
from tests.kit.rows import READ, SIGN_INS, START, TENANT, event, key, load, table, write

KILLS = counted(quick=5, ci=100)
BASE = 20_000


def merge_file(url: str, path: Path, turn: int) -> None:
    """One load, in a process that may be killed at any moment."""
    merge(open_lake(url), SIGN_INS.table, TENANT, START, path, READ + timedelta(minutes=turn))


class Reader:
    """Opens the partition's file over and over, each time once, and counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ended = threading.Event()
        self.counts: list[int] = []
        self.faults: list[str] = []

    def once(self) -> int:
        """Rows of the file, after looking for events that are there twice."""
        columns = [key_columns(SIGN_INS.table).event_time, "id"]
        with self._path.open("rb") as file:
            found = pq.read_table(file, columns=columns)
        if found.group_by(columns).aggregate([]).num_rows != found.num_rows:
            self.faults.append("an event twice")
        return found.num_rows

    def run(self) -> None:
        """Read until told to end."""
        while not self._ended.is_set():
            try:
                self.counts.append(self.once())
            except Exception as error:  # noqa: BLE001 - any failure of a reader fails the test
                self.faults.append(repr(error))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Reads as long as the context lasts."""
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()


@pytest.mark.slow
def test_a_killed_load_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    """Never a broken file, an event twice or a partition that shrank; the next load succeeds."""
    lake = open_lake((tmp_path / "lake").as_uri())
    load(lake, SIGN_INS, [event(f"{n:06}", n % 7200) for n in range(BASE)], READ, tmp_path)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    reader = Reader(tmp_path / "lake" / key(SIGN_INS))
    moments = random.Random(7)
    whole = killed = 0
    started = time.monotonic()
    load(lake, SIGN_INS, [event("first")], READ, tmp_path)
    span = max(0.05, (time.monotonic() - started) * 2)
    with reader.reading():
        for turn in range(KILLS):
            path = _incoming(tmp_path, turn)
            process = context.Process(target=merge_file, args=(lake.url, path, turn))
            process.start()
            process.join(moments.uniform(0, span))
            if process.exitcode is None:
                process.kill()
                killed += 1
            process.join()
            whole += process.exitcode == 0
            merge_file(lake.url, path, turn)
            assert reader.once() == BASE + 1 + 10 * (turn + 1)
    assert reader.faults == []
    assert reader.counts == sorted(reader.counts)
    assert killed > KILLS // 5, f"{whole} of {KILLS} loads ended before they were killed"


def _incoming(folder: Path, turn: int) -> Path:
    """Ten new events, and ten that are known and changed."""
    new = [event(f"new-{turn}-{n}", n * 700) for n in range(10)]
    known = [event(f"{n:06}", n, app_display_name=f"turn {turn}") for n in range(turn, 5000, 500)]
    rows = table(SIGN_INS, [*new, *known], READ + timedelta(minutes=turn))
    return write(folder / f"incoming-{turn}.parquet", SIGN_INS, rows)
