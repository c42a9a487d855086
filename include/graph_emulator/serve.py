"""The emulator's process: certificates, sockets, servers, and the line that says it is ready."""

import asyncio
import os
import shutil
import socket
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import trustme

from include.graph_emulator.assertions import Assertions
from include.graph_emulator.credentials import make_certificate, make_federated_token
from include.graph_emulator.faults import Fault, Plan
from include.graph_emulator.server import App, end_with_parent, make_server
from include.graph_emulator.service import IDENTITY_HEADER, Service, build
from include.graph_emulator.settings import Settings


@dataclass(frozen=True)
class Listen:
    """Where to listen, and under which names."""

    host: str = "127.0.0.1"
    port: int = 0
    identity_port: int = 0
    """Plain HTTP, for the managed identity endpoints alone."""
    names: tuple[str, ...] = ("localhost", "127.0.0.1")
    """Host names in the certificate; the first one is in the URL."""
    directory: Path | None = None
    """Where the CA and the client's credentials are written; None is a temporary directory."""
    end_with_parent: bool = False


def tls(directory: Path, names: tuple[str, ...]) -> ssl.SSLContext:
    """A server's TLS by a throw-away CA, which is written to `ca.pem`.

    The same CA certifies a foreign host (`foreign.pem`), so that a client which went there is not
    stopped by TLS already.
    """
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(directory / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names).configure_cert(context)
    foreign = ca.issue_cert("localhost", "127.0.0.1", "foreign.example")
    foreign.private_key_and_cert_chain_pem.write_to_path(str(directory / "foreign.pem"))
    return context


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((host, port))
    return found


def connection(url_host: str, settings: Settings, ca: Path) -> dict[str, Any]:
    """The fields of an Airflow connection of type `msgraph` that leads to the emulator."""
    client, app = next(iter(settings.applications.items()))
    return {
        "conn_type": "msgraph",
        "login": client,
        "password": app.secrets[0] if app.secrets else None,
        "schema": "https",
        "host": url_host,
        "extra": {
            "tenant_id": next(iter(settings.tenants)),
            "authority": f"https://{url_host}",
            "disable_instance_discovery": True,
            "allowed_hosts": f"{url_host.partition(':')[0]},{url_host}",
            "verify": str(ca),
        },
    }


def run(settings: Settings, listen: Listen, faults: list[Fault]) -> None:
    """Serve until SIGINT or SIGTERM; prints one line of JSON once it is ready."""
    parent = os.getppid()
    directory = listen.directory or Path(tempfile.mkdtemp(prefix="graph-emulator-"))
    directory.mkdir(parents=True, exist_ok=True)
    try:
        context = tls(directory, listen.names)
        certificates = [
            make_certificate(directory / "client.pem"),
            make_certificate(directory / "client_expired.pem", expired=True),
        ]
        make_federated_token(directory / "federated_token")
        service = build(settings, Assertions(certificates))
        service.graph.plan = Plan(faults)
        asyncio.run(_serve(service, listen, context, directory, parent))
    finally:
        if listen.directory is None:
            shutil.rmtree(directory)


async def _serve(
    service: Service, listen: Listen, context: ssl.SSLContext, directory: Path, parent: int
) -> None:
    main, identity = bind(listen.host, listen.port), bind(listen.host, listen.identity_port)
    host = f"{listen.names[0]}:{main.getsockname()[1]}"
    identity_host = f"{listen.host}:{identity.getsockname()[1]}"
    servers = [
        make_server(App(service, host), context).serve([main]),
        make_server(App(service, identity_host, identity=True), None).serve([identity]),
    ]
    if listen.end_with_parent:
        servers.append(end_with_parent(parent))
    tasks = [asyncio.ensure_future(server) for server in servers]
    ready = {
        "url": f"https://{host}",
        "ca": str(directory / "ca.pem"),
        "pid": os.getpid(),
        "identity_url": f"http://{identity_host}",
        "client_certificate": str(directory / "client.pem"),
        "expired_certificate": str(directory / "client_expired.pem"),
        "federated_token": str(directory / "federated_token"),
        "foreign_certificate": str(directory / "foreign.pem"),
        "identity_header": IDENTITY_HEADER,
        "connection": connection(host, service.graph.settings, directory / "ca.pem"),
    }
    await asyncio.sleep(0)  # the sockets listen already; connections wait in the backlog
    print(orjson.dumps(ready).decode(), flush=True)  # noqa: T201  the ready line
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
