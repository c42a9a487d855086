"""A job ends at any operation and is done again: nothing is lost, doubled, left or told wrong."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs.lake.azure import azure_options
from tests.chaos.crash_jobs import JOBS
from tests.chaos.crash_points import Answer, Question
from tests.kit.azurite import Azurite
from tests.kit.budget import counted

ROOT = Path(__file__).resolve().parents[2]
ON_DISK = {"kill": counted(quick=2, ci=4), "torn": 3, "broken": 6, "given up": 4}
"""How many points of each job; CI tries, beside them, all that change what others see.

All of all kinds are some 2,000, and a quarter of an hour of CPU: too much for each change. They are
drawn by a fixed seed; `EVERY=1` tries every one.
"""
EVERY = {"most": 1000} if os.environ.get("EVERY") == "1" else {}
ON_AZURE = {"kill": 2, "after": 2, "unanswered": 2}
RUNS = [name for name in JOBS if name.startswith(("extract", "normalise", "load"))]
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """The process that forks for each point."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.crash_points"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
    )

    def answer(job: str, fault: str, most: int, **how: Any) -> Answer:
        assert process.stdin
        assert process.stdout
        question = asdict(Question(job, fault, most, **how)) | EVERY
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        return Answer(**json.loads(process.stdout.readline()))

    try:
        yield answer
    finally:
        process.kill()
        process.communicate()


def holds(answer: Answer, ends: set[str]) -> None:
    """It was tried, ended as a fault of this kind does, and then all was well."""
    assert answer.tried > 0 or answer.points == 0
    assert answer.failures == []
    assert set(answer.ended) <= ends


@pytest.mark.parametrize("job", JOBS)
def test_killed_at_a_file_operation(ask: Ask, job: str) -> None:
    """Killed there and done again: tables, ledger, raw and staging are as if nothing had been."""
    full = counted(quick=0, ci=1) == 1
    holds(ask(job, "kill", ON_DISK["kill"], visible=full), {"killed"})


@pytest.mark.slow
@pytest.mark.long(60)
@pytest.mark.parametrize("job", JOBS)
def test_the_disk_fails_at_a_file_operation(ask: Ask, job: str) -> None:
    """A write that is cut, or an operation that fails, is an error of the tree, or no matter."""
    holds(ask(job, "torn", ON_DISK["torn"]), {"killed"})
    holds(ask(job, "broken", ON_DISK["broken"]), {"Transient", "done"})


@pytest.mark.slow
@pytest.mark.parametrize("job", RUNS)
def test_killed_and_given_up(ask: Ask, job: str) -> None:
    """Nobody clears the task: upkeep loads a day later what was read whole."""
    holds(ask(job, "given up", ON_DISK["given up"], visible=True), {"killed"})


@pytest.mark.slow
@pytest.mark.azurite
@pytest.mark.parametrize("job", JOBS)
def test_ended_at_a_call_of_azure(ask: Ask, azurite: Azurite, job: str) -> None:
    """Killed before a call or after it, or its answer lost: the same holds on Azure."""
    account: Any = azure_options(None, None, None, {"connection_string": azurite.connection_string})
    account["container"] = azurite.container()
    for fault, most in ON_AZURE.items():
        holds(ask(job, fault, most, azure=account), {"killed", "Transient"})
