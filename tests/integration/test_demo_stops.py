"""Ctrl-C and SIGTERM end the demo with every process that it started."""

import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.kit.waiting import wait_for

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


def emulator_starts(project: Path, mark: str) -> bool:
    """The demo has its first child."""
    return any("include.graph_emulator" in command for command in marked(mark))


def database_is_made(project: Path, mark: str) -> bool:
    """`init` makes Airflow's database, and nothing else runs yet."""
    return (project / ".demo/airflow/airflow.db").exists()


def airflow_starts(project: Path, mark: str) -> bool:
    """Every part of Airflow has been started, and none has answered."""
    return (project / ".demo/logs/triggerer.log").exists()


def runs_go_on(project: Path, mark: str) -> bool:
    """A task has published what it read, so Airflow's workers are at work."""
    return (project / "lake/raw").exists()


@pytest.mark.slow
@pytest.mark.airflow
@pytest.mark.parametrize(
    ("come", "sent"),
    [
        (emulator_starts, signal.SIGINT),
        (database_is_made, signal.SIGINT),
        (airflow_starts, signal.SIGINT),
        (runs_go_on, signal.SIGTERM),
    ],
    ids=lambda it: it.__name__ if callable(it) else it.name,
)
def test_a_signal_leaves_no_process(
    come: Callable[[Path, str], bool], sent: signal.Signals, tmp_path: Path
) -> None:
    """Whenever it comes, nothing that was started is left.

    The demo of a copy of the project: what it keeps lies beside its code.
    """
    for folder in ("include", "dags", "plugins"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    mark = uuid.uuid4().hex
    demo = subprocess.Popen(
        [sys.executable, "-m", "include.demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), MARK: mark},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(come.__name__, lambda: demo.poll() is not None or come(tmp_path, mark), within=300)
        assert demo.poll() is None, "the demo ended by itself"
        demo.send_signal(sent)
        demo.wait(120)
        wait_for("the end of all its processes", lambda: not marked(mark), within=20)
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
