"""The far ends of the three channels on loopback: a mail server and a webhook, standard library."""

import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_string, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@dataclass
class Inbox:
    """What a channel has taken; `answer` is what it says to the next."""

    port: int = 0
    answer: int = 200
    location: str = ""
    taken: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as one mail needs."""

    server: Any

    def handle(self) -> None:
        """One session."""
        inbox: Inbox = self.server.inbox
        self._say(220)
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "DATA":
                self._say(354)
                inbox.taken.append(self._data())
            elif verb == "MAIL":
                inbox.senders.append(line)
            self._say(221 if verb == "QUIT" else inbox.answer if verb == "RCPT" else 250)
            if verb == "QUIT":
                return

    def _say(self, code: int) -> None:
        self.wfile.write(f"{code} entra.example\r\n".encode())

    def _data(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line.removeprefix("."))
        found = message_from_string("".join(lines), policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found


class _Webhook(BaseHTTPRequestHandler):
    server: Any

    def do_POST(self) -> None:
        """Takes the JSON that is posted."""
        inbox: Inbox = self.server.inbox
        body = self.rfile.read(int(self.headers["Content-Length"]))
        inbox.paths.append(self.path)
        if inbox.answer < 300:
            inbox.taken.append(json.loads(body))
        self.send_response(inbox.answer)
        if inbox.location:
            self.send_header("Location", inbox.location)
        self.end_headers()
        self.wfile.write(b"ok" if inbox.answer < 300 else b"invalid_token")

    def do_GET(self) -> None:
        """Answers as the page of a login does, to whoever follows a redirect."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the test looks at the inbox."""


@contextmanager
def _served(server: Any, answer: int) -> Iterator[Inbox]:
    server.inbox = Inbox(server.server_address[1], answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def mail_server() -> Iterator[Inbox]:
    """A mail server on loopback without TLS; `answer` is what it says to a recipient."""
    with _served(socketserver.TCPServer(("127.0.0.1", 0), _Mail), 250) as inbox:
        yield inbox


@contextmanager
def webhook(tls: ssl.SSLContext | None = None) -> Iterator[Inbox]:
    """A webhook on loopback that takes JSON."""
    server = HTTPServer(("127.0.0.1", 0), _Webhook)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with _served(server, 200) as inbox:
        yield inbox
