"""Child processes that never outlive us: each in a group of its own, ended with all they started.

A scheduler of Airflow does not always end on SIGTERM, and its workers may change their group. So
this process makes itself the reaper of all its descendants (Linux), asks every group to end, waits,
and then ends whatever is left.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_PDEATHSIG = 1


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _end_with_parent() -> None:
    """In the child, before exec: a group of its own, and SIGTERM should the parent be killed."""
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Processes:
    """Started children; leaving the context ends them and everything that they started."""

    def __init__(self, log_folder: Path, environment: Mapping[str, str]) -> None:
        self.log_folder = log_folder
        self.environment = dict(environment)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._others: list[psutil.Process] = []
        """Children of this process that were there before."""

    def __enter__(self) -> Self:
        self._others = psutil.Process().children()
        self.log_folder.mkdir(parents=True, exist_ok=True)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def log_of(self, name: str) -> Path:
        """Where the output of the child `name` goes."""
        return self.log_folder / f"{name}.log"

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start `command` in a process group of its own, its output in `log_of(name)`."""
        with self.log_of(name).open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603  our own command lines
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  no threads here yet
            )

    def run(self, name: str, command: Sequence[str]) -> None:
        """Run `command` to its end; a failure names its log."""
        self.start(name, command)
        code = self.running.pop(name).wait()
        if code:
            raise RuntimeError(f"{name} ended with exit code {code}; see {self.log_of(name)}")

    def ended(self) -> str | None:
        """The name of a child that has ended, though it should run; None while all run."""
        return next((n for n, child in self.running.items() if child.poll() is not None), None)

    def stop(self, patience: float = 10) -> None:
        """End all: SIGTERM to each group, `patience` seconds, then SIGKILL to all that is left."""
        for child in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
        _, left = psutil.wait_procs(self._descendants(), timeout=patience)
        deadline = time.monotonic() + patience
        while left and time.monotonic() < deadline:
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(left, timeout=1)
            left = self._descendants()
        self.running.clear()

    def _descendants(self) -> list[psutil.Process]:
        """All that descends from this process, but for what others had started before."""
        spared = set(self._others)
        for other in self._others:
            with contextlib.suppress(psutil.NoSuchProcess):
                spared.update(other.children(recursive=True))
        return [p for p in psutil.Process().children(recursive=True) if p not in spared]
