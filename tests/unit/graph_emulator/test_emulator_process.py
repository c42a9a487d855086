"""The emulator's process: it starts, ends, and leaves nothing behind."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from include.graph_emulator.ceiling import measure
from include.graph_emulator.process import ROOT, start_emulator

PARENT = """
import sys, time
from include.graph_emulator.process import start_emulator
with start_emulator(sign_ins_per_day=0) as emulator:
    print(emulator.pid, emulator.ca, flush=True)
    time.sleep(600)
"""


def gone(pid: int, seconds: float = 20) -> bool:
    """Whether the process ends within so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def test_ends_with_its_context() -> None:
    """After the context the process is gone, and so are its CA and keys."""
    with start_emulator(sign_ins_per_day=0) as emulator:
        assert Path(emulator.ca).exists()
    assert emulator.process.returncode is not None
    assert not Path(emulator.ca).parent.exists()


def test_ends_with_its_parent() -> None:
    """A parent that is killed takes the emulator with it."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert parent.stdout
    pid, ca = parent.stdout.readline().split()
    parent.kill()
    parent.wait()
    assert gone(int(pid))
    assert not Path(ca).parent.exists()


def test_serve_by_hand(tmp_path: Path) -> None:
    """`serve` prints url, CA and an Airflow connection, and ends on SIGTERM."""
    command = [sys.executable, "-m", "include.graph_emulator", "serve", "--speed", "0"]
    command += ["--directory", str(tmp_path), "--now", "2026-11-20", "--plan", "[]"]
    command += ["--name", "graph.example", "--name", "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout
    ready = json.loads(process.stdout.readline())
    assert ready["url"].startswith("https://graph.example:")
    assert ready["connection"]["conn_type"] == "msgraph"
    assert Path(ready["ca"]) == tmp_path / "ca.pem"
    process.send_signal(signal.SIGTERM)
    process.wait(10)


def test_a_wrong_setting_is_told() -> None:
    """A setting that does not exist ends the start with its name."""
    with pytest.raises(RuntimeError, match="no_such_setting"), start_emulator(no_such_setting=1):
        pass


def test_change_while_it_runs() -> None:
    """Behaviour changes while it runs, data does not; unknown names are refused."""
    with start_emulator(sign_ins_per_day=0) as emulator:
        emulator.change(latency=0.5)
        with pytest.raises(ValueError, match="at the start only: seed"):
            emulator.change(seed=8)
        with pytest.raises(ValueError, match="no_such_setting"):
            emulator.change(no_such_setting=1)
        answer = httpx.get(f"{emulator.url}/_emulator/nothing", verify=False, trust_env=False)
        assert answer.status_code == 404


def test_ceiling_is_measured() -> None:
    """The emulator tells its own ceiling in events and bytes per second."""
    ceiling = measure(sign_ins_per_day=20_000, seconds=0.5)
    assert ceiling.events > 1000
    assert "MB/s" in str(ceiling)
