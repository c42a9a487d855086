"""One emulator for the tests of the Graph client."""

from collections.abc import Iterator

import pytest

from include.graph_emulator.process import Emulator, start_emulator


@pytest.fixture(scope="session")
def _running() -> Iterator[Emulator]:
    with start_emulator(
        now="2026-11-20T12:00:00Z", speed=0, page_cap=20, sign_ins_per_day=2000, time_scale=1000.0
    ) as started:
        yield started


@pytest.fixture
def emulator(_running: Emulator) -> Emulator:
    """Graph with small pages and a clock that stands still; without faults, counts at zero."""
    _running.reset()
    return _running
