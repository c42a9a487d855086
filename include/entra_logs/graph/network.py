"""How the connection's `verify`, `proxies` and `trust_env` become httpx options."""

import ssl
from collections.abc import Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx

from include.entra_logs.errors import Refused
from include.entra_logs.graph.connection import GraphConnection


def tls(connection: GraphConnection) -> ssl.SSLContext | bool:
    """What to trust: True, False, or the given CA; Refused if that can't be read."""
    if isinstance(connection.verify, bool):
        return connection.verify
    path = Path(connection.verify)
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=str(path))
        return ssl.create_default_context(cafile=str(path))
    except OSError as error:
        raise Refused(
            f"extra.verify of the connection is {connection.verify!r}, which can't be read as a CA "
            f"file ({type(error).__name__})."
        ) from None


def http_options(connection: GraphConnection, *, sync: bool = False) -> dict[str, Any]:
    """Options of `httpx.AsyncClient` (or `Client`): trust and proxies; no redirects."""
    verify = tls(connection)
    return {
        "verify": verify,
        "mounts": _mounts(connection, httpx.HTTPTransport if sync else httpx.AsyncHTTPTransport),
        "trust_env": connection.trust_env,
        "follow_redirects": False,
    }


def no_cookies() -> CookieJar:
    """A jar that takes none: Graph needs none, and another host's would grow for hours."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def _mounts(connection: GraphConnection, transport: Any) -> dict[str, Any]:
    """Transports by what they are for; Refused for a proxy that is none."""
    verify = tls(connection)
    try:
        mounts: dict[str, Any] = {
            f"{scheme}://": transport(proxy=connection.proxies[scheme], verify=verify)
            for scheme in ("http", "https")
            if connection.proxies.get(scheme)
        }
        for name in connection.proxies.get("no", "").split(",") if mounts else ():
            if name.strip():
                spared = name.strip() if "://" in name else f"all://{name.strip()}"
                mounts[spared] = transport(verify=verify)
    except (ValueError, ImportError, httpx.InvalidURL) as error:
        raise Refused(
            "extra.proxies of the connection can't be used: a proxy is a URL such as "
            f"http://proxy:3128 ({type(error).__name__})."
        ) from None
    return mounts


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, outermost first."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def untrusted(error: BaseException) -> bool:
    """True if the cause of a network error is a certificate that we don't trust."""
    return any(
        isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(cause)
        for cause in causes(error)
    )
