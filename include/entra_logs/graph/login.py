"""The way to the login host: what it answers and how long it makes us wait are bounded.

azure-identity would inflate whatever comes, and sleep for as long as a Retry-After says.
"""

import io
import time
from typing import Any

import requests
import urllib3
from azure.core.pipeline.transport import RequestsTransport

from include.entra_logs.errors import Transient
from include.entra_logs.graph.body import ACCEPTED, Body

LIMIT = 1024 * 1024
"""Bytes of an answer; a token has some thousand, the discovery document as well."""
LONGEST_PAUSE = 30.0
"""Seconds between two tries within one task; Airflow makes the longer pauses."""
_PIECE = 64 * 1024


def bounded_body(encoding: str, pieces: Any) -> bytes:
    """The body that comes in `pieces`; Transient if it is too large, or encoded in another way."""
    body = Body("The login host's answer", encoding, LIMIT)
    for piece in pieces:
        if not body.add(piece):
            raise Transient(
                f"The login host's answer is larger than {LIMIT} bytes, which no token is: check "
                "extra.authority and extra.proxies of the connection."
            )
    return body.whole()


class LoginTransport(RequestsTransport):  # type: ignore[misc]  # azure has no types that mypy sees
    """What azure-identity sends its requests by."""

    def __init__(self, *, trust_env: bool, **options: Any) -> None:
        session = requests.Session()
        session.trust_env = trust_env
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Adapter(max_retries=urllib3.Retry(False, redirect=False)))
        super().__init__(session=session, **options)

    def sleep(self, duration: float) -> None:
        """Wait before the next try."""
        time.sleep(min(max(duration, 0.0), LONGEST_PAUSE))


class _Adapter(requests.adapters.HTTPAdapter):  # type: ignore[misc]  # the same
    """Reads each answer to its end, and hands it on inflated."""

    def send(self, request: Any, **options: Any) -> Any:
        """The answer, its body in memory."""
        request.headers["Accept-Encoding"] = ACCEPTED
        raw = super().send(request, **(options | {"stream": True})).raw
        try:
            pieces = raw.stream(_PIECE, decode_content=False)
            body = bounded_body(raw.headers.get("content-encoding", ""), pieces)
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(error, request=request) from None
        finally:
            raw.close()
        headers = {k: v for k, v in raw.headers.items() if k.lower() not in _TRANSFER}
        answer = urllib3.HTTPResponse(
            io.BytesIO(body), headers, raw.status, reason=raw.reason, preload_content=False
        )
        return self.build_response(request, answer)


_TRANSFER = {"content-encoding", "content-length", "transfer-encoding"}
"""Headers about the way of a body that is at its end."""
