"""Contenders as processes of their own, one after the other, and what each cost."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from bench.peers.task import Task
from include.graph_emulator.process import Emulator, start_emulator
from include.graph_emulator.settings import CLIENT, SECRET, TENANT

ROOT = Path(__file__).parents[2]
START, END = "2026-11-19T08:00:00Z", "2026-11-19T10:00:00Z"
NOW = "2026-11-23T12:00:00Z"
RESULT = '{"events": '
"""How the line begins that a contender prints among what its libraries say."""
PER_DAY = 8.84
"""Sign-ins of that working day for each in the window."""


@dataclass(frozen=True)
class Contender:
    """A way from Graph to Parquet: a module of this package and the Python that runs it."""

    name: str
    module: str
    python: str = sys.executable


PROJECT = Contender("Entra Lake, all steps, raw kept", "bench.peers.project")
BARE = Contender("bare loop: httpx, msgspec.Raw, pyarrow.json", "bench.peers.bare")
PROVIDER = Contender("Azure provider, paginated_run, pandas", "bench.peers.provider")
DLT = Contender(
    "dlt, REST source, filesystem", "bench.peers.with_dlt", str(ROOT / ".venv-bench/bin/python")
)


@dataclass(frozen=True)
class Cost:
    """What one round of a contender cost."""

    events: int
    seconds: float
    """HTTP to published Parquet."""
    peak: int
    """Resident bytes of the process, at most."""
    published: int
    """Bytes of the Parquet files."""

    @property
    def speed(self) -> float:
        """Events per second."""
        return self.events / self.seconds


@contextmanager
def data_set(events: int) -> Iterator[tuple[Emulator, Task]]:
    """An emulator with about so many sign-ins in the window, rendered ahead, throttling off."""
    with start_emulator(
        now=NOW, speed=0, sign_ins_per_day=events * PER_DAY, throttling=False, lateness="none",
        cache_mb=max(512, events // 500),
    ) as emulator:  # fmt: skip
        emulator.render("sign_ins", START, END)
        token = httpx.post(
            f"{emulator.url}/{TENANT}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": CLIENT,
                "client_secret": SECRET,
                "scope": f"{emulator.url}/.default",
            },
            verify=httpx.create_ssl_context(verify=emulator.ca),
            trust_env=False,
        ).raise_for_status()
        yield (
            emulator,
            Task(
                url=emulator.url,
                ca=emulator.ca,
                token=token.json()["access_token"],
                connection=emulator.connection,
                start=START,
                end=END,
                folder="",
            ),
        )


def round_of(contender: Contender, task: Task) -> Cost:
    """One round in a fresh process and an empty folder; RuntimeError with its last words if not."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        published = Path(folder) / "published"
        published.mkdir()
        command = [contender.python, "-m", contender.module]
        command.append(replace(task, folder=str(published)).text())
        with (Path(folder) / "said").open("w+b") as said:
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, env=_environment(folder)
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            text = said.read().decode(errors="replace")
        if process.returncode:
            raise RuntimeError(f"{contender.name} failed: {text[-2000:]}")
        told = json.loads(next(line for line in text.splitlines() if line.startswith(RESULT)))
        size = sum(file.stat().st_size for file in _parquet(published))
        return Cost(told["events"], told["seconds"], usage.ru_maxrss * 1024, size)


def _environment(folder: str) -> dict[str, str]:
    """No proxies, nothing of this shell's Airflow, temporary files in the round's folder."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    kept = {name: value for name, value in kept.items() if not name.startswith("AIRFLOW")}
    return {**kept, "PYTHONPATH": str(ROOT), "TMPDIR": folder, "AIRFLOW_HOME": folder}


def _parquet(folder: Path) -> list[Path]:
    """What was published: tables, not what lies in staging."""
    return [file for file in folder.rglob("*.parquet") if "staging" not in file.parts]


def rounds(contenders: Sequence[Contender], task: Task, count: int) -> dict[Contender, list[Cost]]:
    """The costs of `count` rounds, contenders taking turns, so that a slow minute hits all."""
    found: dict[Contender, list[Cost]] = {contender: [] for contender in contenders}
    for _ in range(count):
        for contender in contenders:
            found[contender].append(round_of(contender, task))
    return found


def median(costs: Sequence[Cost]) -> Cost:
    """The round of median time, with the highest peak of all."""
    middle = statistics.median_low(cost.seconds for cost in costs)
    cost = next(cost for cost in costs if cost.seconds == middle)
    return replace(cost, peak=max(cost.peak for cost in costs))


def has_dlt() -> bool:
    """Whether dlt's environment was made."""
    return shutil.which(DLT.python) is not None
