"""The emulator's own ceiling: what it serves to a client that does nothing with it."""

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import psutil

from include.graph_emulator.process import Emulator, start_emulator

_NOW = "2026-11-20T12:00:00Z"
_CONNECTIONS = 3
_START, _END = "2026-11-20T08:00:00Z", "2026-11-20T10:00:00Z"


@dataclass(frozen=True)
class Ceiling:
    """What a few connections at once carried, over TLS."""

    events: int
    bytes: int
    pages: int
    seconds: float
    server_cpu: float
    """Seconds of CPU that the emulator used; the rest is the client and waiting."""

    def __str__(self) -> str:
        return (
            f"{self.events:,} events in {self.pages:,} pages, {self.bytes / 1e6:,.0f} MB in "
            f"{self.seconds:.2f} s: {self.events / self.seconds:,.0f} events/s, "
            f"{self.bytes / 1e6 / self.seconds:,.0f} MB/s "
            f"({self.bytes / 1e6 / self.server_cpu:,.0f} MB per second of its CPU)"
        )


def measure(sign_ins_per_day: float = 1_000_000, seconds: float = 5.0) -> Ceiling:
    """Pages of a rendered window over a few TLS connections, for about `seconds`.

    Each reads bytes into one buffer and follows no link: it asks for the first pages of the window
    over and over. While one of them waits or decrypts, the server serves another, so what is
    measured is the server, TLS and the loopback.
    """
    with start_emulator(
        now=_NOW, speed=0, sign_ins_per_day=sign_ins_per_day, throttling=False, cache_mb=4096
    ) as emulator:
        emulator.render("sign_ins", _START, _END)
        return _read(emulator, seconds)


def _read(emulator: Emulator, seconds: float) -> Ceiling:
    paths = _paths(emulator, 50)
    context = ssl.create_default_context(cafile=emulator.ca)
    host, _, port = emulator.url.removeprefix("https://").partition(":")
    head = f" HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {_token(emulator)}\r\n\r\n"
    before = _cpu(emulator)
    began = time.perf_counter()

    def reader(number: int) -> tuple[int, int]:
        buffer, size, pages = bytearray(2**20), 0, 0
        with (
            socket.create_connection((host, int(port))) as plain,
            context.wrap_socket(plain, server_hostname=host) as link,
        ):
            while time.perf_counter() - began < seconds:
                path = paths[(pages + number) % len(paths)]
                link.sendall(f"GET {path}{head}".encode())
                size += _swallow(link, buffer)
                pages += 1
        return size, pages

    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        found = list(threads.map(reader, range(_CONNECTIONS)))
    passed = time.perf_counter() - began
    size, pages = (sum(each) for each in zip(*found, strict=True))
    return Ceiling(pages * 1000, size, pages, passed, _cpu(emulator) - before)


def _cpu(emulator: Emulator) -> float:
    times = psutil.Process(emulator.pid).cpu_times()
    return float(times.user + times.system)


def _swallow(link: ssl.SSLSocket, buffer: bytearray) -> int:
    """Read one response and forget it; the bytes of its body."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += link.recv(65536)
    head, _, rest = got.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the emulator answered {head[:40]!r}")
    size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    left = size - len(rest)
    while left:
        left -= link.recv_into(buffer, min(left, len(buffer)))
    return size


def _token(emulator: Emulator) -> str:
    return str(_post(emulator)["access_token"])


def _post(emulator: Emulator) -> dict[str, str]:
    it = emulator.connection
    form = {
        "grant_type": "client_credentials",
        "client_id": it["login"],
        "client_secret": it["password"],
        "scope": "https://graph.microsoft.com/.default",
    }
    url = f"{emulator.url}/{it['extra']['tenant_id']}/oauth2/v2.0/token"
    verify = ssl.create_default_context(cafile=emulator.ca)
    found: dict[str, str] = httpx.post(url, data=form, verify=verify, trust_env=False).json()
    return found


def _paths(emulator: Emulator, most: int) -> list[str]:
    """Path and query of up to `most` full pages of the window."""
    asked = quote(f"createdDateTime ge {_START} and createdDateTime le {_END}")
    url: str | None = f"{emulator.url}/v1.0/auditLogs/signIns?$filter={asked}&$top=1000"
    verify = ssl.create_default_context(cafile=emulator.ca)
    headers = {"Authorization": f"Bearer {_token(emulator)}"}
    found: list[str] = []
    with httpx.Client(verify=verify, trust_env=False, headers=headers) as client:
        while url and len(found) < most:
            page = client.get(url).json()
            if len(page["value"]) == 1000:
                found.append(url.removeprefix(emulator.url).replace(" ", "%20"))
            url = page.get("@odata.nextLink")
    return found
