"""Child processes end with who started them, and nobody else's do."""

import subprocess
import sys
from pathlib import Path

from include.demo.processes import Processes

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
FORKS = f"import subprocess, sys, time; subprocess.Popen({SLEEPS!r}); time.sleep(600)"


def test_what_was_there_before_stays(tmp_path: Path) -> None:
    """All that was started in the context has ended, its own children too; an older child lives."""
    with subprocess.Popen(SLEEPS) as older:
        with Processes(tmp_path, {}) as processes:
            processes.start("forks", [sys.executable, "-c", FORKS])
            started = processes.running["forks"]
            assert processes.ended() is None
        assert started.poll() is not None
        assert older.poll() is None
        older.kill()
