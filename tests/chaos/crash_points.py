"""A process that forks for each crash point: the job ends there, then all that must hold is tried.

    python -m tests.chaos.crash_points     a line of JSON for each `Question` on stdin, answered so

All is imported once (also what a first child imports while it works) and no thread is started
here, so a point costs a fork and a few proofs: a third of a second of CPU.

On a disk a point is a file operation. `kill`: the process ends before it. `torn`: it ends before a
file is written through, and half of that is there. `broken`: the operation fails, reading too.
`given up`: killed, and nobody does the job again but upkeep a day later.
On Azure it is a call of the store. `kill`: before it; `after`: when it is done; `unanswered`: it is
done, and whoever called does not learn of it.
"""

import builtins
import fcntl
import importlib
import io
import json
import os
import random
import shutil
import stat
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import GenericError

from include.entra_logs.errors import EntraLakeError, Transient
from include.entra_logs.lake import open_lake
from include.entra_logs.lake.store import Store
from tests.chaos.crash_jobs import JOBS, Scene

KILLED = 137
READS = ("get", "get_range", "head", "list", "list_with_delimiter")
VISIBLE = ("replace", "delete")
CALLS = ("put", "put_if_absent", "replace_if_unchanged", "delete", "delete_prefix")


@dataclass(frozen=True)
class Question:
    """What is asked of this process."""

    job: str
    fault: str
    most: int
    """How many points are tried, drawn by a fixed seed."""
    visible: bool = False
    """Whether all those are tried as well that change what others see: the rest differs in what
    lies in `staging/build`."""
    azure: dict[str, str] | None = None
    """The storage account as obstore names its settings, and `container`; None: on a disk."""


@dataclass
class Answer:
    """How that went."""

    points: int = 0
    tried: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    """How the faulty try ended: `killed`, `done`, or the class of a typed error."""
    failures: list[str] = field(default_factory=list)
    seconds: float = 0
    """Of this process's children, on the CPU."""


class Fault:
    """Counts the operations, and does what is to be done at the one that is number `at`."""

    def __init__(self, kind: str, at: int, where: Path) -> None:
        self._kind = kind
        self._at = at
        self._where = where
        self.seen: list[str] = []

    def on(self, what: str, does: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The operation `does`, unless it is the one."""
        self.seen.append(what)
        if len(self.seen) != self._at:
            return does(*args, **kwargs)
        self._where.write_text(f"{what} {' '.join(str(arg)[-70:] for arg in args[:2])}")
        if self._kind == "torn":
            _cut(*args)
        if self._kind in ("after", "unanswered"):
            does(*args, **kwargs)
        if self._kind == "unanswered":
            raise Transient("injected")
        if self._kind == "broken":
            raise GenericError("injected") if does in _OBSTORE else OSError(5, "injected")
        os._exit(KILLED)


_OBSTORE = [getattr(obstore, name) for name in (*READS, "delete")]


def _cut(handle: int) -> None:
    """Half of a file that was not written through is there."""
    path = Path(f"/proc/self/fd/{handle}").resolve()
    os.truncate(path, path.stat().st_size // 2)


def _is_file(handle: int) -> bool:
    return stat.S_ISREG(os.fstat(handle).st_mode)


def _is_written(path: Any, mode: str = "r", *_: Any, **__: Any) -> bool:
    """Whether an `open` makes a file of the lake."""
    return "/lake/" in str(path) and mode[:1] in "wx"


def _watch(
    fault: Fault, owner: Any, *names: str, only: Callable[..., bool] = lambda *_, **__: True
) -> None:
    for name in names:
        does = getattr(owner, name)

        def watched(*args: Any, _does: Any = does, _name: str = name, **kwargs: Any) -> Any:
            if not only(*args, **kwargs):
                return _does(*args, **kwargs)
            return fault.on(_name, _does, *args, **kwargs)

        setattr(owner, name, watched)


def _arm(fault: Fault, kind: str, *, azure: bool) -> None:
    """From now on every operation of this process that the fault may hit is a point."""
    if azure:
        _watch(fault, Store, *CALLS)
    elif kind == "torn":
        _watch(fault, os, "fsync", only=_is_file)
    else:
        _watch(fault, os, "fsync", "link")
        _watch(fault, builtins, "open", only=_is_written)
        _watch(fault, io, "open", only=_is_written)
        _watch(fault, Path, "replace", "mkdir", "chmod", "unlink", "rmdir")
        _watch(fault, shutil, "copyfileobj")
        _watch(fault, fcntl, "flock")
        _watch(fault, obstore, "delete", *(READS if kind == "broken" else ()))


class Trial:
    """One job with one fault, at as many points as were asked for."""

    def __init__(self, question: Question, folder: Path) -> None:
        self._asked = question
        self._folder = folder
        self._job = JOBS[question.job]
        self._before = folder / "before"
        self._where = folder / "where"
        self._error = folder / "error"

    def run(self) -> Answer:
        """Every point; what was wrong at which."""
        used = os.times()
        self._must(lambda: self._job.before(self._local(self._before)))
        seen = self._count()
        points = len(seen)
        drawn = self._drawn(seen)
        ended: Counter[str] = Counter()
        answer = Answer(points, len(drawn))
        for at in drawn:
            how, wrong = self._point(at)
            ended[how] += 1
            if wrong:
                what = self._where.read_text() if self._where.exists() else "?"
                answer.failures.append(f"point {at} of {points}, {what}: {how}, then {wrong}")
        answer.ended = dict(ended)
        now = os.times()
        answer.seconds = now.children_user + now.children_system
        answer.seconds -= used.children_user + used.children_system
        return answer

    def _drawn(self, seen: list[str]) -> list[int]:
        """The numbers of the operations that are tried, of those that were `seen`."""
        must = {at for at, what in enumerate(seen, 1) if what in VISIBLE and self._asked.visible}
        rest = sorted(set(range(1, len(seen) + 1)) - must)
        most = min(len(rest), self._asked.most)
        return sorted(must | set(random.Random(len(seen)).sample(rest, most)))

    def _count(self) -> list[str]:
        counted = self._folder / "points"

        def count() -> None:
            scene = self._copied("count")
            fault = Fault("", 0, self._where)
            self._arm(fault)
            self._job.does(scene, 1)
            told = list(fault.seen)
            self._job.after(scene)
            self._job.check(scene)
            counted.write_text(json.dumps([told, sorted(sys.modules)]))

        self._must(count)
        seen, modules = json.loads(counted.read_text())
        for name in modules:
            with suppress(ImportError):
                importlib.import_module(name)
        return [str(what) for what in seen]

    def _point(self, at: int) -> tuple[str, str]:
        """How the try with the fault ended, and what is wrong after the next one."""
        fault = Fault(self._asked.fault.replace("given up", "kill"), at, self._where)
        here = self._folder / f"{at}"

        def first() -> None:
            scene = self._copied(here.name)
            self._arm(fault)
            self._job.does(scene, 1)

        def then() -> None:
            scene = self._scene(here)
            if self._asked.fault == "given up":
                self._job.given_up(scene)
            else:
                self._job.check_between(scene)
                self._job.does(scene, 2)
                self._job.after(scene)
                self._job.check(scene)

        how = _forked(first, self._error)
        wrong = self._error.read_text() if how == "untyped" else ""
        how = "killed" if how == str(KILLED) else how
        if _forked(then, self._error) != "done":
            wrong = f"{wrong} {self._error.read_text()}".strip()
        shutil.rmtree(here, ignore_errors=True)
        return how, wrong

    def _arm(self, fault: Fault) -> None:
        _arm(fault, self._asked.fault, azure=self._asked.azure is not None)

    def _must(self, does: Callable[[], None]) -> None:
        how = _forked(does, self._error)
        if how != "done":
            raise RuntimeError(f"{self._asked.job} without a fault: {self._error.read_text()}")

    def _copied(self, name: str) -> Scene:
        """The scene as it was before the job, in a place of its own."""
        here = self._folder / name
        if self._asked.azure is None:
            shutil.copytree(self._before, here)
            return self._local(here)
        here.mkdir()
        for path in (p for p in self._before.glob("*") if p.is_file()):
            shutil.copy(path, here)
        scene = self._scene(here)
        root = self._before / "lake"
        for path in (p for p in root.rglob("*") if p.is_file()):
            scene.lake.store.put(path.relative_to(root).as_posix(), path.read_bytes())
        return scene

    def _scene(self, here: Path) -> Scene:
        if self._asked.azure is None:
            return self._local(here)
        settings = dict(self._asked.azure)
        url = f"abfs://azure@{settings.pop('container')}/{self._folder.name}/{here.name}"
        return Scene(here, open_lake(url, settings))

    def _local(self, here: Path) -> Scene:
        here.mkdir(exist_ok=True)
        return Scene(here, open_lake((here / "lake").as_uri()))


def _forked(does: Callable[[], None], error: Path) -> str:
    """How it ended in a process of its own: `done`, a typed error, `untyped`, or an exit code."""
    told = error.with_suffix(".how")
    told.unlink(missing_ok=True)
    error.write_text("")
    pid = os.fork()
    if pid:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return told.read_text() if code == 0 else str(code)
    code, how = 0, "done"
    try:
        does()
    except EntraLakeError as raised:
        how = type(raised).__name__
        error.write_text(f"{how}: {raised} {_place(raised)}")
    except BaseException as raised:  # noqa: BLE001 - told to the parent
        how = "untyped"
        error.write_text(f"{type(raised).__name__}: {raised} {_place(raised)}")
    with told.open("w") as file:
        file.write(how)
    os._exit(code)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))


def _answers(lines: Iterator[str]) -> Iterator[Answer]:
    for line in lines:
        with tempfile.TemporaryDirectory(prefix="crash-points-") as folder:
            yield Trial(Question(**json.loads(line)), Path(folder)).run()


if __name__ == "__main__":
    for found in _answers(iter(sys.stdin.readline, "")):
        print(json.dumps(asdict(found)), flush=True)
