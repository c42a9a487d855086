"""The HTTPS server: uvicorn with httptools around a plain ASGI app."""

import asyncio
import gzip
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from include.graph_emulator.answers import Answer
from include.graph_emulator.requests import Request
from include.graph_emulator.service import Service

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
_PIECE = 256 * 1024


@dataclass
class App:
    """The ASGI app, which can also break the connection that a request came by."""

    service: Service
    local_host: str
    identity: bool = False
    """Serves the managed identity endpoints and nothing else."""
    connections: dict[tuple[str, int], asyncio.Transport] = field(default_factory=dict)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(
            scope["method"],
            scope["path"],
            scope["query_string"],
            {name.decode(): value.decode("latin-1") for name, value in scope["headers"]},
            await _body(receive) if scope["method"] != "GET" else b"",
            self.local_host,
        )
        ask = self.service.identity if self.identity else self.service.answer
        answer = ask(request)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.silent:
            await _until_gone(receive)
            return
        if answer.cut_after == 0:
            self._break(scope["client"])
            return
        zipped = "gzip" in request.headers.get("accept-encoding", "")
        if zipped and self.service.graph.settings.gzip and answer.status == 200:
            answer.headers["Content-Encoding"] = "gzip"
            answer.body = [gzip.compress(b"".join(answer.body), 1)]
        await self._send(answer, scope, send)

    async def _send(self, answer: Answer, scope: Message, send: Send) -> None:
        headers = {**answer.headers, "Content-Type": answer.content_type}
        headers["Content-Length"] = str(answer.size)
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": [(n.lower().encode(), v.encode("latin-1")) for n, v in headers.items()],
            }
        )
        if answer.cut_after is not None:
            whole = b"".join(answer.body)[: answer.cut_after]
            await send({"type": "http.response.body", "body": whole, "more_body": True})
            await asyncio.sleep(0.05)  # let it leave before the connection goes
            self._break(scope["client"])
            return
        if answer.trickle:
            await _trickle(answer, send)
            return
        for piece in answer.body:
            for start in range(0, len(piece), _PIECE):
                part = piece[start : start + _PIECE]
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _break(self, client: tuple[str, int]) -> None:
        """Close the connection with a TCP reset."""
        transport = self.connections.get(tuple(client))  # type: ignore[arg-type]
        if transport is None:
            return
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _trickle(answer: Answer, send: Send) -> None:
    whole, parts = b"".join(answer.body), 20
    size = max(1, -(-len(whole) // parts))
    for start in range(0, len(whole), size):
        part = whole[start : start + size]
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(answer.trickle / parts)
    await send({"type": "http.response.body", "body": b""})


def _protocol(app: App) -> type[asyncio.Protocol]:
    """Uvicorn's protocol, which also tells `app` about its connections."""

    class Connection(HttpToolsProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            app.connections[tuple(transport.get_extra_info("peername")[:2])] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            peer = self.transport.get_extra_info("peername")
            if peer:
                app.connections.pop(tuple(peer[:2]), None)

    return Connection


def make_server(app: App, tls: ssl.SSLContext | None) -> uvicorn.Server:
    """A server for `app`; plain HTTP if `tls` is None."""
    config = uvicorn.Config(
        app,
        http=_protocol(app),
        loop="asyncio",  # measured: uvloop carries TLS a third slower
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # the emulator's clock tells the time
        proxy_headers=False,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
        ssl_context_factory=(lambda _config, _default: tls) if tls else None,
    )
    return uvicorn.Server(config)


async def end_with_parent(parent: int) -> None:
    """Return once the process `parent` is gone, which ends this one."""
    while os.getppid() == parent:  # noqa: ASYNC110  nothing announces that a parent is gone
        await asyncio.sleep(0.5)
