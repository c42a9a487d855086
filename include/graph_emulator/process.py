"""The emulator in a process of its own, for tests and demos.

with start_emulator(now="2026-11-20T12:00:00Z", speed=0) as emulator:
    emulator.plan([{"kind": "throttled", "retry_after": 0.2}])
    ...
    assert seen == emulator.truth("sign_ins", start, end).ids
"""

import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import httpx
import orjson

ROOT = Path(__file__).resolve().parents[2]
Time = str | datetime


@dataclass(frozen=True)
class Truth:
    """What lies in a window."""

    count: int
    checksum: str
    """Of ids and event times, see `truth.checksum`."""
    ids: frozenset[tuple[str, str]]
    """(id, event time as Graph prints it)."""
    at: str
    """The clock that it holds for."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """The whole events, newest first, if asked for."""


@dataclass
class Emulator:
    """A running emulator; made by `start_emulator`."""

    url: str
    ca: str
    pid: int
    identity_url: str
    client_certificate: str
    expired_certificate: str
    federated_token: str
    foreign_certificate: str
    identity_header: str
    connection: dict[str, Any]
    process: subprocess.Popen[bytes]
    _client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        verify = ssl.create_default_context(cafile=self.ca)
        self._client = httpx.Client(
            base_url=f"{self.url}/_emulator/", verify=verify, trust_env=False, timeout=300
        )

    def truth(  # noqa: PLR0913  one parameter per thing that can be asked
        self, api: str, start: Time, end: Time, by: str | None = None, at: Time | None = None,
        *, events: bool = False, names: bool = True, tenant: str | None = None,
        where: str | None = None, version: str | None = None,
    ) -> Truth:  # fmt: skip
        """What lies in `[start, end)` of the time `by` (default: event time) at the clock `at`.

        `events` brings the whole events too; without `names` only count and checksum come. `where`
        is a `$filter` beside the window, `version` whose events: `v1.0` or `beta`.
        """
        asked = {"api": api, "start": _text(start), "end": _text(end), "by": by,
                 "at": _text(at) if at else None, "tenant": tenant, "where": where,
                 "version": version,
                 "events": "1" if events else "0", "names": "1" if names else "0"}  # fmt: skip
        found = self._get("truth", {name: value for name, value in asked.items() if value})
        ids = frozenset((name, at) for name, at in found.pop("ids", ()))
        return Truth(ids=ids, **found)

    def now(self) -> str:
        """The emulator's clock."""
        return str(self._get("clock")["now"])

    def set_clock(self, now: Time | None = None, speed: float | None = None) -> None:
        """Set the clock, its speed, or both."""
        fields = {"now": _text(now) if now else None, "speed": speed}
        self._send("PUT", "clock", {k: v for k, v in fields.items() if v is not None})

    def plan(self, faults: Sequence[dict[str, Any]], seed: int = 0) -> None:
        """Replace the plan of faults (see `faults.Fault`); requests are counted from now."""
        self._send("PUT", "plan", {"faults": list(faults), "seed": seed})

    def plan_hits(self) -> list[int]:
        """How often each fault of the plan has hit."""
        return list(self._get("plan")["hits"])

    def stats(self) -> dict[str, dict[str, Any]]:
        """Counts per API, and of the `token` endpoint."""
        return dict(self._get("stats"))

    def log(self) -> list[dict[str, Any]]:
        """The last requests."""
        found: Any = self._get("log")
        return list(found)

    def add_events(
        self, api: str, events: Sequence[dict[str, Any]], tenant: str | None = None
    ) -> None:
        """Add events, visible from now or from their `_arrives`; the same key replaces."""
        fields: dict[str, Any] = {"api": api, "events": list(events)}
        self._send("POST", "events", fields | ({"tenant": tenant} if tenant else {}))

    def change(self, **settings: Any) -> None:
        """Change settings (see `settings.Settings`) while it runs."""
        self._send("PATCH", "settings", settings)

    def expire_tokens(self) -> None:
        """End every access token."""
        self._send("POST", "expire-tokens", {})

    def render(self, api: str, start: Time, end: Time) -> dict[str, int]:
        """Render a window ahead, so that serving it costs next to nothing."""
        asked = {"api": api, "start": _text(start), "end": _text(end)}
        return dict(self._send("POST", "render", asked))

    def reset(self) -> None:
        """No plan, counts at zero."""
        self._send("POST", "reset", {})

    def stop(self) -> None:
        """End the process and everything in its group."""
        self._client.close()
        _end(self.process)

    def _get(self, name: str, asked: dict[str, str] | None = None) -> dict[str, Any]:
        return _checked(self._client.get(name, params=asked or {}))

    def _send(self, method: str, name: str, fields: dict[str, Any]) -> dict[str, Any]:
        return _checked(self._client.request(method, name, content=orjson.dumps(fields)))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and everything in its group; it may have ended, or not be ready yet."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != 200:
        raise ValueError(f"the emulator refused {answer.request.url.path}: {answer.text}")
    found: dict[str, Any] = orjson.loads(answer.content)
    return found


def _text(at: Time) -> str:
    return at if isinstance(at, str) else at.isoformat()


@contextmanager
def start_emulator(
    *,
    plan: Sequence[dict[str, Any]] = (),
    names: Sequence[str] = ("localhost", "127.0.0.1"),
    port: int = 0,
    directory: Path | None = None,
    **settings: Any,
) -> Iterator[Emulator]:
    """An emulator on a free port of loopback, stopped at the end, dead when its parent dies.

    `settings` are the fields of `settings.Settings`, e.g. `now`, `speed`, `sign_ins_per_day`,
    `throttling`, `time_scale`, `page_cap`. RuntimeError with its last words if it does not start.
    """
    command = [sys.executable, "-m", "include.graph_emulator", "serve", "--end-with-parent"]
    command += ["--port", str(port), "--settings", orjson.dumps(settings).decode()]
    command += ["--plan", orjson.dumps(list(plan)).decode()]
    command += [part for name in names for part in ("--name", name)]
    command += ["--directory", str(directory)] if directory else []
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, cwd=ROOT,
            start_new_session=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        try:
            emulator = Emulator(process=process, **_ready(process, errors))
            with closing(emulator._client):  # noqa: SLF001  ours, a few lines above
                yield emulator
        finally:
            _end(process)


def _ready(process: subprocess.Popen[bytes], errors: IO[bytes], wait: float = 60) -> dict[str, Any]:
    """The ready line; RuntimeError if there is none within `wait` seconds."""
    if process.stdout is None:
        raise RuntimeError("the emulator was started without a pipe for its ready line")
    timer = threading.Timer(wait, process.kill)
    timer.start()
    try:
        line = process.stdout.readline()
    finally:
        timer.cancel()
    if not line:
        process.wait()
        errors.seek(0)
        last = errors.read().decode(errors="replace")[-3000:]
        raise RuntimeError(f"the emulator did not start: {last}")
    ready: dict[str, Any] = orjson.loads(line)
    return ready
