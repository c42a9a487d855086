"""What a request is about, and who answers it: login, Graph, or the emulator's control."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from include.graph_emulator import ticks
from include.graph_emulator.answers import Answer, Refusal, graph_headers, json_answer
from include.graph_emulator.assertions import Assertions
from include.graph_emulator.catalogue import collection_at
from include.graph_emulator.clock import Clock
from include.graph_emulator.control import Control
from include.graph_emulator.faults import Fault, Occasion
from include.graph_emulator.graph import Graph
from include.graph_emulator.login import Login, LoginRefused
from include.graph_emulator.misbehave import failed
from include.graph_emulator.pages import Pages
from include.graph_emulator.requests import Request
from include.graph_emulator.settings import Settings
from include.graph_emulator.stats import Stats
from include.graph_emulator.throttle import Throttle
from include.graph_emulator.tokens import Tokens
from include.graph_emulator.world import World

_DISCOVERY = re.compile(r"/([^/]+)/v2\.0/\.well-known/openid-configuration")
_TOKEN = re.compile(r"/([^/]+)/oauth2/v2\.0/token")
_GRAPH = re.compile(r"/(v1\.0|beta)/(.+)")
IDENTITY_HEADER = "emulator-identity-header"
"""What App Service would put into IDENTITY_HEADER; IDENTITY_ENDPOINT is `…/msi/token`."""


@dataclass
class Service:
    """Everything behind the socket."""

    clock: Clock
    graph: Graph
    login: Login
    control: Control

    def answer(self, request: Request) -> Answer:
        """The answer to any request."""
        if request.path.startswith("/_emulator/"):
            return self.control.answer(request)
        found = _GRAPH.fullmatch(request.path)
        if found:
            return self._graph(request, found[1], found[2].rstrip("/"))
        return self._login(request)

    def identity(self, request: Request) -> Answer:
        """The managed identity endpoints: IMDS of a machine, and App Service's (documented)."""
        asked = dict(parse_qsl(request.query.decode()))
        resource = asked.get("resource", "")
        self.graph.stats.arrive("identity", bearer="authorization" in request.headers)
        imds = request.path == "/metadata/identity/oauth2/token"
        allowed = (
            request.headers.get("metadata", "").lower() == "true"
            if imds
            else request.path == "/msi/token"
            and request.headers.get("x-identity-header") == IDENTITY_HEADER
        )
        if not allowed or not resource:
            answer = json_answer(
                {"error": "invalid_request", "error_description": "Required header or resource "
                 "not specified"}, 400)  # fmt: skip
        else:
            answer = self.login.managed_identity(resource)
        self.graph.stats.leave("identity", request.path, answer.status, answer.size)
        return answer

    def _graph(self, request: Request, version: str, path: str) -> Answer:
        collection = collection_at(version, path)
        api = collection.name if collection else "other"
        authorization = request.headers.get("authorization", "")
        self.graph.stats.arrive(api, bearer=authorization.lower().startswith("bearer "))
        headers = graph_headers(self.clock, request.headers.get("client-request-id"))
        request_id = headers["request-id"]
        try:
            if collection is None:
                segment = path.rpartition("/")[2]
                message = f"Resource not found for the segment '{segment}'."  # observed
                raise Refusal(400, "BadRequest", message)  # noqa: TRY301  the one way to refuse
            answer = self.graph.answer(request, collection, version, request_id)
        except Refusal as refusal:
            answer = refusal.answer(self.clock, request_id, headers["client-request-id"])
        answer.headers = headers | answer.headers
        broken = answer.silent or answer.cut_after is not None
        url = f"{request.path}?{request.query.decode('latin-1')}"
        self.graph.stats.leave(api, url, 0 if broken else answer.status, answer.size)
        return answer

    def _login(self, request: Request) -> Answer:
        discovery, token = _DISCOVERY.fullmatch(request.path), _TOKEN.fullmatch(request.path)
        try:
            if discovery:
                answer = self.login.discovery(discovery[1], request.host)
            elif token and request.method == "POST":
                answer = self._token(request, token[1])
            elif request.path == "/common/discovery/instance":
                answer = self._instance(request)
            else:
                answer = json_answer({"error": "not found"}, 404)
        except LoginRefused as refused:
            answer = refused.answer(self.clock)
        answer.headers = {"Date": self.clock.http_date(), "Cache-Control": "no-store, no-cache"}
        return answer

    def _token(self, request: Request, tenant: str) -> Answer:
        stats = self.graph.stats
        bearer = request.headers.get("authorization", "").lower().startswith("bearer ")
        stats.arrive("token", bearer=bearer)
        status = 400
        try:
            fault = self.graph.plan.next(Occasion("token"))
            if fault:
                stats.fault("token", fault.kind)
                answer = _login_fault(fault, self.clock)
            else:
                basic = request.headers.get("authorization")
                answer = self.login.token(tenant, request.body, basic, request.host)
            status = answer.status
        except LoginRefused as refused:
            status = refused.status
            raise
        finally:
            stats.leave("token", request.path, status, 0)
        return answer

    def _instance(self, request: Request) -> Answer:
        """The instance discovery that msal asks for unless told not to."""
        asked = dict(parse_qsl(request.query.decode())).get("authorization_endpoint", "")
        tenant = asked.split("/")[3] if asked.count("/") > 3 else "common"
        endpoint = f"https://{request.host}/{tenant}/v2.0/.well-known/openid-configuration"
        return json_answer({"tenant_discovery_endpoint": endpoint, "api-version": "1.1",
                            "metadata": []})  # fmt: skip


def _login_fault(fault: Fault, clock: Clock) -> Answer:
    """A fault of the token endpoint: status, reset, hang or HTML."""
    if fault.kind in ("throttled", "server_error"):
        refusal = failed(fault, clock.now())
        return json_answer({"error": "temporarily_unavailable", "error_description": "AADSTS90033: "
                            "A transient error has occurred. Please try again.",
                            "error_codes": [90033]}, refusal.status)  # fmt: skip
    answer = json_answer({})
    answer.cut_after = 0 if fault.kind == "reset" else None
    answer.silent = fault.kind == "hang" and fault.seconds is None
    answer.delay = fault.seconds or 0.0
    if fault.kind == "html":
        answer.body, answer.content_type = [b"<html></html>"], "text/html"
    return answer


def build(settings: Settings, assertions: Assertions, **more: Any) -> Service:
    """A service with its clock started."""
    start = ticks.from_text(settings.now) if settings.now else _real_now()
    clock = Clock(start, settings.speed)
    tokens, world = Tokens(), World(settings)
    graph = Graph(
        settings, clock, tokens, Throttle(settings), Pages(world, settings), Stats(), **more
    )
    login = Login(settings, clock, tokens, assertions)
    return Service(clock, graph, login, Control(graph, world))


def _real_now() -> int:
    from datetime import UTC, datetime  # noqa: PLC0415  the one place that reads the real clock

    return ticks.from_datetime(datetime.now(UTC))
