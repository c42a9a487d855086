"""Benchmark of a hostile host: the peak memory of a process that reads from it.

    python -m bench hostile

A server on loopback, without TLS, answers every request with a body that grows: encoded once or
twice, as JSON of nothing but brackets, as text that takes four times its bytes. Each case is a
process of its own; what it prints as its peak is its own. Fails if one is above the bound.
"""

import argparse
import asyncio
import base64
import gzip
import json
import random
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import zstandard

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from include.entra_logs.api import Window  # noqa: E402 the path comes first
from include.entra_logs.catalogue import CATALOGUE  # noqa: E402
from include.entra_logs.errors import EntraLakeError  # noqa: E402
from include.entra_logs.graph import GraphClient, GraphConnection, Limits, client  # noqa: E402
from include.entra_logs.graph.connection import Secret  # noqa: E402
from include.entra_logs.graph.identity import Identity  # noqa: E402
from include.entra_logs.lake import open_lake, staging  # noqa: E402

API = CATALOGUE["sign_ins"]
BY = API.table.event_time
START = datetime(2026, 11, 22, 2, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=2))
TENANT = "00000000-0000-0000-0000-000000000001"
BOUND = 400
"""MB."""
MB = 10**6
FULL = Limits().body - 300
"""Just below what a page may have."""


def _zeros(megabytes: int) -> bytes:
    """A page of spaces, as large as it says."""
    return b'{"value":[' + b" " * (megabytes * MB) + b"]}"


def _brotli() -> bytes:
    """What a client without brotli can't tell from a bomb."""
    return b"\x8b" * 100_000


def _noise(size: int) -> bytes:
    """Text that hardly shrinks in the store."""
    return base64.b64encode(random.randbytes(size * 3 // 4))


def _emoji() -> bytes:
    """Text that takes four times its bytes in Python's memory with each copy."""
    return "\U0001f600".encode() * (FULL // 4)


def _fields(count: int) -> bytes:
    """That many names of their own."""
    return b"".join(b'"%d":"%d",' % (n, n) for n in range(count))


def _filled(pattern: bytes, most: int = FULL, last: bytes = b"{}") -> Callable[[], bytes]:
    """A page just below the limit, of one pattern again and again."""
    return lambda: b'{"value":[' + pattern * (most // len(pattern)) + last + b"]}"


BODIES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "identity": ("", lambda: _zeros(300)),
    "gzip": ("gzip", lambda: gzip.compress(_zeros(700))),
    "gzip, gzip": ("gzip, gzip", lambda: gzip.compress(gzip.compress(_zeros(2200)))),
    "deflate": ("deflate", lambda: zlib.compress(_zeros(700))),
    "br": ("br", _brotli),
    "zstd": ("zstd", lambda: zstandard.compress(_zeros(2200), 19)),
    "gzip, br": ("gzip, br", lambda: gzip.compress(_brotli())),
    "objects": ("gzip", lambda: gzip.compress(_filled(b"{},")())),
    "numbers": ("gzip", lambda: gzip.compress(_filled(b"1,")())),
    "objects, few": ("", _filled(b"{},", 890_000)),
    "numbers, few": ("", _filled(b"1,", 590_000)),
    "numbers, noise": (
        "",
        lambda: _filled(b"1,", 590_000)()[:-2] + b',"' + _noise(FULL - MB) + b'"]}',
    ),
    "lists": ("", lambda: b'{"value":' + b"[" * FULL),
    "surrogates": ("", lambda: b'{"value":["' + b"\\ud800" * (FULL // 6) + b'"]}'),
    "noise": ("", lambda: b'{"value":["' + _noise(FULL) + b'"]}'),
    "emoji": ("", lambda: b'{"value":["' + _emoji() + b'"]}'),
    # what msgspec refuses goes through Python's own parser
    "emoji, NaN": ("", lambda: b'{"value":[{"id":"' + _emoji() + b'","n":NaN}]}'),
    "objects, NaN": ("", _filled(b"{},", 890_000, b"NaN")),
    "fields, NaN": ("", lambda: b'{"value":[{' + _fields(290_000) + b'"n":NaN}]}'),
}
STATUSES = (200, 429)


class Hostile:
    """Answers one body to everything; at 200 the pages of eight slices come first."""

    def __init__(self, status: int, encoding: str, body: bytes, *, slices: bool) -> None:
        self._slices = slices
        date = format_datetime(datetime.now(UTC), usegmt=True)
        head = f"HTTP/1.1 {status} x\r\nDate: {date}\r\nContent-Length: {len(body)}\r\n"
        head += f"Content-Encoding: {encoding}\r\n" if encoding else ""
        self._answer = head.encode() + b"\r\n" + body
        self._ready = threading.Event()
        self.port = 0
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answers, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await server.serve_forever()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                first, self._slices = self._slices, False
                if first:
                    await asyncio.sleep(0.3)  # a page that takes its time makes eight slices
                answer = memoryview(self._good() if first else self._answer)
                for start in range(0, len(answer), MB):
                    writer.write(answer[start : start + MB])
                    await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    def _good(self) -> bytes:
        """A first page that promises many more."""
        at = [f"{(WINDOW.end - timedelta(seconds=n)).isoformat()[:19]}Z" for n in (1, 2)]
        link = f"http://127.0.0.1:{self.port}/v1.0/{API.path}?$skiptoken=1"
        events = [{"id": text, BY: text} for text in at]
        body = json.dumps({"value": events, "@odata.nextLink": link}).encode()
        date = format_datetime(datetime.now(UTC), usegmt=True)
        return (
            f"HTTP/1.1 200 x\r\nDate: {date}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )


class _Nobody(Identity):
    """A token without a login host."""

    def token(self, *, instead_of: str | None = None) -> str:  # noqa: ARG002 the real one's
        """Not a token."""
        return "token"

    def tenant_id(self) -> str:
        """A guid."""
        return TENANT


def one_read(port: int, folder: str) -> dict[str, Any]:
    """How a read of that host into a lake ends, and the peak of this process in MB."""
    client.Identity = _Nobody  # type: ignore[misc]
    host = f"http://127.0.0.1:{port}"
    connection = GraphConnection(host, "https://login", TENANT, "x", Secret("id", "secret"))
    staged = staging.open_read(
        open_lake(Path(folder).as_uri()), API.name, TENANT, WINDOW, kind="main", filter_by=BY,
        run_id="bench", attempt=1, now=datetime.now(UTC),
    )  # fmt: skip
    try:
        with GraphClient(connection, pace=0) as opened:
            end = str(opened.read(API, WINDOW, BY, staged).events) + " events"
    except EntraLakeError as error:
        end = type(error).__name__
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024 / MB  # of this program alone
    return {"end": end, "peak": peak}


def cases(name: str) -> list[float]:
    """Run and print a body at each status; the peaks."""
    encoding, make = BODIES[name]
    body = make()
    return [case(name, status, encoding, body) for status in STATUSES]


def case(name: str, status: int, encoding: str, body: bytes) -> float:
    """Run and print one case in a process of its own; its peak."""
    hostile = Hostile(status, encoding, body, slices=status == 200)
    with tempfile.TemporaryDirectory() as folder:
        job = json.dumps([hostile.port, folder])
        done = subprocess.run(
            [sys.executable, __file__, "--job", job], check=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
    found = json.loads(done.stdout)
    peak = float(found["peak"])
    mark = "" if peak < BOUND else f"  above {BOUND} MB"
    print(
        f"    {status}  {name:13} {len(body):12,} bytes  {found['end']:12} {peak:6.0f} MB{mark}",
        flush=True,
    )
    return peak


def main() -> int:
    """Run every case; 1 if one takes too much."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        print(json.dumps(one_read(*given.job)))
        return 0
    peaks = [peak for name in BODIES for peak in cases(name)]
    print(f"    highest peak {max(peaks):.0f} MB, the bound is {BOUND}")
    return 1 if max(peaks) >= BOUND else 0


if __name__ == "__main__":
    sys.exit(main())
