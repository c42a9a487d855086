"""A reading process that is killed at any moment and begun again: nothing lost, little twice."""

import multiprocessing
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import zstandard

from include.entra_logs.api import Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.graph import GraphConnection, Limits
from include.entra_logs.graph.client import GraphClient
from include.entra_logs.lake import open_lake
from include.entra_logs.lake.staging import StagedRead, open_read
from include.entra_logs.source import ReadSummary, Slice
from include.graph_emulator.process import Emulator, start_emulator
from tests.kit.budget import counted
from tests.kit.emulated import connection, found, truth
from tests.kit.memory_store import tiles

API = CATALOGUE["sign_ins"]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = Window(datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 10, tzinfo=UTC))
LIMITS = Limits(slices=3)
TENANT = "5e1a7c0d-3b52-4c8e-9f40-6d2b8a91c7e3"
WHOLE = 0.9
"""Seconds that a read takes here, roughly: the span of the random moments."""


@dataclass
class Stored:
    """What a finished read left on disk, as `found` and `tiles` want it."""

    staged: StagedRead

    @property
    def plan(self) -> list[Slice]:
        """The slices."""
        return self.staged.slices()

    @property
    def stored(self) -> Any:
        """Pages by slice and number."""
        return self

    def __getitem__(self, key: tuple[str, int]) -> Any:
        frame = self.staged.page(*key)[1]
        body = zstandard.ZstdDecompressor().decompressobj().decompress(frame)
        return type("Body", (), {"body": body})


def staged(folder: Path, attempt: int) -> StagedRead:
    """An attempt at the read, into the lake at `folder`."""
    return open_read(
        open_lake(folder.as_uri()), API.name, TENANT, WINDOW, kind="main",
        filter_by=API.table.event_time, run_id="run", attempt=attempt, now=datetime.now(UTC),
    )  # fmt: skip


def attempt(made: GraphConnection, folder: Path, number: int, pipe: Connection) -> None:
    """One attempt in a process of its own; says when it begins, and what it read."""
    store = staged(folder, number)
    with GraphClient(made, pace=0.001, limits=LIMITS, now=lambda: NOW) as client:
        client.authenticate(API, WINDOW, API.table.event_time)
        pipe.send("reading")
        summary = client.read(API, WINDOW, API.table.event_time, store)
    pipe.send(summary)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Graph with small pages that take a moment, so that a kill finds some in flight."""
    with start_emulator(
        now=NOW.isoformat(), speed=0, page_cap=20, sign_ins_per_day=6000,
        time_scale=1000.0, throttling=False, latency=50.0,
    ) as started:  # fmt: skip
        yield started


@pytest.fixture(scope="module")
def processes() -> Any:
    """Children that are forked from a server with the imports done, never from pytest itself."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.test_read_killed"])
    return context


def run(
    processes: Any, made: GraphConnection, folder: Path, number: int, life: float
) -> ReadSummary | None:
    """The result of an attempt that may live for `life` seconds of reading; None if killed."""
    ours, theirs = processes.Pipe(duplex=False)
    child = processes.Process(target=attempt, args=(made, folder, number, theirs))
    child.start()
    theirs.close()
    result = None
    try:
        assert ours.recv() == "reading"
        if ours.poll(life):
            result = ours.recv()
        else:
            os.kill(child.pid, signal.SIGKILL)
    finally:
        child.join(30)
    return result


@pytest.mark.timeout(600)
@pytest.mark.long(3)
@pytest.mark.parametrize("seed", range(counted(quick=2, ci=10)))
def test_killed_and_begun_again(
    emulator: Emulator, processes: Any, tmp_path: Path, seed: int
) -> None:
    """Killed three times, a read ends with the ground truth, and has asked little twice.

    30 kills lie 30 ms apart in the time that a read takes; a page takes 50.
    """
    emulator.reset()
    draw, made = random.Random(seed), connection(emulator)
    summary: ReadSummary | None = None
    kills = -1
    while summary is None:
        kills += 1
        life = draw.random() * WHOLE if kills < 3 else 60
        summary = run(processes, made, tmp_path, kills + 1, life)
    store = staged(tmp_path, kills + 2)
    store.resume()
    left = Stored(store)
    assert tiles(left, WINDOW)
    assert found(left, API, WINDOW) == truth(emulator, API, WINDOW)
    assert summary.pages == sum(each.pages for each in left.plan)
    answered = [entry for entry in emulator.log() if entry.get("status") == 200]
    pages = [entry for entry in answered if "/signins" in entry["url"].lower()]
    probes = kills + 1
    assert len(pages) - probes - summary.pages <= kills * LIMITS.slices
