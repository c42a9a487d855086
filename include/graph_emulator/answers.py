"""Answers: what the emulator sends, and Graph's error envelope."""

import uuid
from dataclasses import dataclass, field

import orjson

from include.graph_emulator import ticks
from include.graph_emulator.clock import Clock

JSON = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)


@dataclass
class Answer:
    """A response to send: its body in pieces, and what goes wrong while it is sent."""

    status: int = 200
    body: list[bytes | memoryview] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON
    delay: float = 0.0
    """Seconds before it is sent."""
    trickle: float = 0.0
    """Seconds over which the body is spread."""
    cut_after: int | None = None
    """The connection breaks after so many bytes of the body; 0 is before the head."""
    silent: bool = False
    """Nothing is ever sent."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return sum(len(piece) for piece in self.body)


def json_answer(value: object, status: int = 200) -> Answer:
    """`value` as JSON."""
    return Answer(status, [orjson.dumps(value)], content_type="application/json; charset=utf-8")


class Refusal(Exception):
    """A request that Graph answers with an error envelope."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = headers or {}

    def answer(self, clock: Clock, request_id: str, client_request_id: str) -> Answer:
        """The envelope (documented): `date` has neither zone nor fraction."""
        inner = {
            "date": ticks.to_text(clock.now()).rstrip("Z"),
            "request-id": request_id,
            "client-request-id": client_request_id,
        }
        error = {"code": self.code, "message": self.message, "innerError": inner}
        answer = Answer(self.status, [orjson.dumps({"error": error})], dict(self.headers))
        answer.content_type = "application/json"
        return answer


def graph_headers(clock: Clock, client_request_id: str | None) -> dict[str, str]:
    """Headers of every answer of Graph (observed)."""
    request_id = str(uuid.uuid4())
    server = {"DataCenter": "Emulator", "Slice": "E", "Ring": "5", "ScaleUnit": "000",
              "RoleInstance": "EM0PEPF00000001"}  # fmt: skip
    return {
        "Date": clock.http_date(),
        "request-id": request_id,
        "client-request-id": client_request_id or request_id,
        "x-ms-ags-diagnostic": orjson.dumps({"ServerInfo": server}).decode(),
        "Strict-Transport-Security": "max-age=31536000",
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
        "OData-Version": "4.0",
    }
