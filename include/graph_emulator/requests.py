"""A request as it came in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """Method, path and the rest; names of headers are lower case."""

    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    body: bytes
    local_host: str
    """Host and port of the emulator itself, for a request without Host header."""

    @property
    def host(self) -> str:
        """Host and port as the client names them: links lead back to where it asked."""
        return self.headers.get("host", self.local_host)
