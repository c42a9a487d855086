"""Ctrl-C and SIGTERM end the demo with every process that it started."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
MARK = "ENTRA_TEST_MARK"


def marked(mark: str) -> list[str]:
    """The command lines of all processes that carry the mark, whatever their parents."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.mark.slow
@pytest.mark.airflow
@pytest.mark.parametrize(
    ("after", "sent"),
    [(2, signal.SIGINT), (12, signal.SIGINT), (30, signal.SIGINT), (45, signal.SIGTERM)],
    ids=["emulator starts", "database is made", "Airflow starts", "runs go on"],
)
def test_a_signal_leaves_no_process(after: float, sent: signal.Signals) -> None:
    """Whenever it comes, nothing that was started is left."""
    mark = uuid.uuid4().hex
    demo = subprocess.Popen(
        [sys.executable, "-m", "include.demo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), MARK: mark},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        time.sleep(after)
        assert demo.poll() is None, "the demo ended by itself"
        demo.send_signal(sent)
        demo.wait(120)
        deadline = time.monotonic() + 10
        while marked(mark) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert marked(mark) == []
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
