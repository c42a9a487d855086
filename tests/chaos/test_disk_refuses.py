"""The disk is full, or broken, at each file operation: a sentence each time, and nothing lost."""

import errno
import io
import multiprocessing
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.entra_logs import pipeline
from include.entra_logs.api import PARTITION, Window, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import EntraLakeError, Transient
from include.entra_logs.lake import Lake, open_lake
from include.entra_logs.ledger import ledger
from include.entra_logs.pipeline import Run
from include.entra_logs.proof import upkeep
from include.entra_logs.proof.rebuild import rebuild
from include.entra_logs.proof.rebuild_ledger import rebuild_ledger
from include.entra_logs.proof.upgrade import upgrade
from include.entra_logs.proof.verify import verify
from tests.kit.budget import counted
from tests.kit.lake_model import stored
from tests.kit.scripted_graph import ScriptedGraph, World

API = CATALOGUE["risk_detections"]
MAIN, SWEEP, UPDATES = API.schedules()
START = datetime(2026, 11, 2, tzinfo=UTC)
WINDOW = Window(START, START + 2 * PARTITION)
FOREVER = timedelta(days=36500)
EVENTS = ("open", "os.mkdir", "os.rename", "os.remove", "os.link", "os.chmod", "os.rmdir")
"""What Python tells an audit hook of before it does it."""
CALLS: list[tuple[Any, str]] = [
    (os, "fsync"),
    *((obstore, name) for name in ("get", "head", "list", "delete")),
    *((pa, name) for name in ("OSFile",)),
    *((pa.ipc, name) for name in ("new_file", "open_file")),
    *((pq, name) for name in ("ParquetWriter", "ParquetFile", "read_metadata", "write_table")),
    *((pq.ParquetWriter, name) for name in ("write_table", "close")),
    (shutil, "copyfileobj"),
]


class Disk:
    """Counts operations below a folder, and refuses one of them."""

    def __init__(self) -> None:
        self.root: Path | None = None
        self.names: list[str] = []
        self.at = 0
        self.error = errno.ENOSPC
        sys.addaudithook(self._audit)

    @contextmanager
    def refusing(self, root: Path, at: int, error: int) -> Iterator[None]:
        """Operation number `at` fails; 0: none does."""
        self.root, self.names, self.at, self.error = root, [], at, error
        try:
            yield
        finally:
            self.root = None

    def operation(self, name: str) -> None:
        """One more, of this sort."""
        self.names.append(name)
        if len(self.names) == self.at:
            raise OSError(self.error, os.strerror(self.error))

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if self.root is None or event not in EVENTS:
            return
        if isinstance(args[0], str | Path) and str(args[0]).startswith(str(self.root)):
            self.operation(event)


DISK = Disk()


@pytest.fixture(autouse=True)
def told_to_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What C++ and Rust do is counted where Python calls them."""
    for owner, name in CALLS:
        monkeypatch.setattr(owner, name, _counted(getattr(owner, name)))


def _counted(call: Callable[..., Any]) -> Any:
    def counted_call(*args: Any, **more: Any) -> Any:
        targets = [getattr(each, "where", each) for each in args]
        in_memory = any(isinstance(each, io.BytesIO | pa.BufferReader) for each in targets)
        if DISK.root is not None and not in_memory:
            DISK.operation(call.__name__)
        return call(*args, **more)

    return counted_call


def world() -> World:
    """Twelve detections; one comes late, one changes."""
    made = World(API, WINDOW.end + timedelta(hours=1))
    for number in range(12):
        at = utc_text(START + timedelta(minutes=20 * number))
        event = {"id": f"e{number}", "detectedDateTime": at, "lastUpdatedDateTime": at}
        made.put(event, WINDOW.end + timedelta(hours=2) if number == 3 else START)
    at = utc_text(START + timedelta(minutes=100))
    changed = {"id": "e5", "detectedDateTime": at, "riskState": "remediated"}
    made.put(
        changed | {"lastUpdatedDateTime": utc_text(WINDOW.end)}, WINDOW.end + timedelta(hours=2)
    )
    return made


def run(lake: Lake, schedule: Any, attempt: int) -> None:
    """From authenticate to load."""
    seen = world()
    seen.now += timedelta(hours=0 if schedule is MAIN else 80)
    graph: Any = ScriptedGraph(seen)
    of = Run(schedule, WINDOW, "graph", f"run {schedule.kind}", attempt)
    access = pipeline.authenticate(of, graph, lake, FOREVER)
    reads = pipeline.extract(of, access, graph, lake, FOREVER)
    pipeline.load(of, pipeline.normalise(of, reads, lake), lake)


def lose_ledger(lake: Lake) -> None:
    """So that it is made again from raw."""
    shutil.rmtree(Path(lake.url.removeprefix("file://")) / "ledger")


def drop_column(lake: Lake) -> None:
    """So that there is something to upgrade."""
    for path in Path(lake.url.removeprefix("file://")).glob("tables/**/events.parquet"):
        with pq.ParquetFile(path) as file:
            table = file.read()
        pq.write_table(table.drop_columns(["ip_address"]), path)


def faults(lake: Lake) -> list[str]:
    """What verify finds, but for reads that were published before the run that made them died."""
    told = [str(difference) for difference in verify(lake).differences]
    return [line for line in told if "it is in raw, but not in the ledger" not in line]


def nothing(_: Lake) -> None:
    """Nothing is to be prepared."""


JOBS: dict[str, tuple[Callable[[Lake], Any], Callable[[Lake, int], Any]]] = {
    "first run": (nothing, lambda lake, n: run(lake, MAIN, n)),
    "merging run": (lambda lake: run(lake, MAIN, 1), lambda lake, n: run(lake, SWEEP, n)),
    "roll-up": (lambda lake: run(lake, MAIN, 1), lambda lake, _: ledger.roll_up(lake)),
    "upkeep": (
        lambda lake: run(lake, MAIN, 1),
        lambda lake, _: upkeep.tidy(lake, FOREVER, FOREVER, START + timedelta(days=90)),
    ),
    "verify": (lambda lake: run(lake, MAIN, 1), lambda lake, _: verify(lake)),
    "rebuild": (lambda lake: run(lake, MAIN, 1), lambda lake, _: rebuild(lake, API.table)),
    "rebuild-ledger": (
        lambda lake: (run(lake, MAIN, 1), lose_ledger(lake)),
        lambda lake, _: rebuild_ledger(lake, API.table),
    ),
    "upgrade": (
        lambda lake: (run(lake, MAIN, 1), drop_column(lake)),
        lambda lake, _: upgrade(lake, API.table),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("job", list(JOBS))
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
def test_each_refusal_is_told_and_mended_by_the_next_try(
    tmp_path: Path, job: str, error: int
) -> None:
    """Typed, one sentence with what to do; done again, tables and ledger are whole."""
    prepare, work = JOBS[job]
    template = tmp_path / "template"
    prepare(open_lake(template.as_uri()))

    def lake_at(name: str) -> tuple[Path, Lake]:
        shutil.copytree(template, tmp_path / name)
        return tmp_path / name, open_lake((tmp_path / name).as_uri())

    root, lake = lake_at("whole")
    with DISK.refusing(root, 0, error):
        work(lake, 1)
    expected, names = stored(lake, API), DISK.names
    assert len(names) > 5
    step = max(1, len(names) // counted(quick=6, ci=200))
    one_of_each = {names.index(name) + 1 for name in names}
    for at in sorted({*range(1, len(names) + 1, step), *one_of_each}):
        root, lake = lake_at(f"at {at}")
        told = None
        try:
            with DISK.refusing(root, at, error):
                work(lake, 1)
        except EntraLakeError as raised:
            told = raised
        if told is not None:
            assert isinstance(told, Transient), (at, told)
            said = str(told)
            assert ("free some space" if error == errno.ENOSPC else "if it stays so") in said, at
        work(lake, 2)
        assert stored(lake, API) == expected, at
        assert faults(lake) == [], at
        shutil.rmtree(root)


def _small_files(folder: str, answers: Any) -> None:
    """In a process of its own: the runs with files of so many bytes at most, then without limit."""
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  for the rest of this process
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    for most in (1, 500, 2_000, 6_000, 8_000, 12_000, 16_000):
        lake = open_lake(Path(folder, str(most)).as_uri())
        told = "done"
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        try:
            run(lake, MAIN, 1)
            run(lake, SWEEP, 1)
        except BaseException as raised:  # noqa: BLE001  whatever it is, it is judged below
            told = f"{type(raised).__name__}: {raised}"
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        run(lake, MAIN, 2)
        run(lake, SWEEP, 2)
        answers.put((most, told, faults(lake)))


@pytest.mark.slow
def test_a_file_that_cannot_grow(tmp_path: Path) -> None:
    """What the system refuses in the middle of a write, in C++ and Rust too, is told likewise."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    child = context.Process(target=_small_files, args=(str(tmp_path), answers))
    child.start()
    found = [answers.get(timeout=120) for _ in range(7)]
    child.join()
    told = {text.partition(":")[0] for _, text, _ in found}
    assert told <= {"Transient", "done"}, found
    assert "Transient" in told
    assert all("free some space" in text for _, text, _ in found if text != "done"), found
    assert all(lines == [] for *_, lines in found), found
