"""An emulator for the module, and a clean line before it for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.entra_logs.graph.client import GraphClient
from include.entra_logs.lake import open_lake
from include.graph_emulator.process import Emulator, start_emulator
from tests.integration.pipeline.line import NOON, Line
from tests.kit.emulated import clock_of, connection


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """An emulator with its clock standing at noon of 2026-11-18."""
    with start_emulator(
        now=NOON.isoformat(), speed=0, sign_ins_per_day=4000, throttling=False
    ) as started:
        yield started


@pytest.fixture
def line(emulator: Emulator, tmp_path: Path) -> Iterator[Line]:
    """A new lake before a clean emulator."""
    emulator.reset()
    emulator.set_clock(NOON)
    folder = tmp_path / "lake"
    with GraphClient(connection(emulator), pace=0, now=clock_of(emulator)) as graph:
        yield Line(emulator, graph, open_lake(folder.as_uri()), folder)
