"""A host that is not Graph: it records what reaches it, so that a test can prove that no token did.

with foreign_host(emulator.foreign_certificate) as foreign:
    emulator.plan([{"kind": "foreign_next_link", "host": foreign.host}])
    ...
    assert not foreign.bearers()
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ForeignHost:
    """A listener on loopback and what it saw."""

    host: str
    """Host and port."""
    scheme: str
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Per request: method, path, headers (lower-case names) and body."""

    def bearers(self) -> list[str]:
        """Every Authorization header that arrived."""
        return [
            it["headers"]["authorization"] for it in self.seen if "authorization" in it["headers"]
        ]


class _Recorder(BaseHTTPRequestHandler):
    """Answers everything like a page of Graph without events."""

    protocol_version = "HTTP/1.1"
    foreign: ForeignHost

    def _record(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.foreign.seen.append(
            {"method": self.command, "path": self.path, "headers": headers, "body": body}
        )
        answer = b'{"value":[]}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_HEAD = do_PUT = _record  # noqa: N815  names that http.server asks for

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def foreign_host(certificate: str | None = None, name: str = "127.0.0.1") -> Iterator[ForeignHost]:
    """A recording listener on a free port of loopback, in a thread of this process.

    With `certificate`, a PEM file of key and chain such as the emulator's `foreign_certificate`,
    it speaks TLS that a client of the emulator trusts; without it, plain HTTP.
    """
    foreign = ForeignHost("", "https" if certificate else "http")
    handler = type("Recorder", (_Recorder,), {"foreign": foreign})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    foreign.host = f"{name}:{server.server_address[1]}"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.daemon = True
    thread.start()
    try:
        yield foreign
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
