"""An emulator whose clock stands still, and a client that reads it plainly."""

import ssl
from collections.abc import Callable, Iterator

import httpx
import pytest

from include.graph_emulator.process import Emulator, start_emulator
from tests.unit.graph_emulator.emulator_reader import NOW, Reader


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """One emulator for the tests that only read; settings are put back by those that change."""
    with start_emulator(
        now=NOW, speed=0, sign_ins_per_day=4000, risks_per_day=200, throttling=False
    ) as running:
        yield running


@pytest.fixture
def reader(emulator: Emulator) -> Iterator[Reader]:
    """A logged-in reader of a freshly reset emulator."""
    yield from _reader(emulator)


@pytest.fixture
def read_from() -> Iterator[Callable[[Emulator], Reader]]:
    """Readers of other emulators."""
    open_ones = []

    def make(emulator: Emulator) -> Reader:
        readers = _reader(emulator)
        open_ones.append(readers)
        return next(readers)

    yield make
    for readers in open_ones:
        next(readers, None)


def _reader(emulator: Emulator) -> Iterator[Reader]:
    emulator.reset()
    verify = ssl.create_default_context(cafile=emulator.ca)
    with httpx.Client(base_url=emulator.url, verify=verify, trust_env=False, timeout=20) as client:
        reader = Reader(emulator, client)
        reader.login()
        yield reader
