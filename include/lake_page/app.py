"""The routes below `/lake` of Airflow's API server. Whom Airflow does not know gets a 401.

All are read-only.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from threading import Lock

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.entra_logs.airflow_side import connections
from include.entra_logs.api import Api
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import EntraLakeError
from include.entra_logs.settings import load_settings
from include.lake_page.memory import RememberingStore
from include.lake_page.page import NotThere, Page

STATIC = Path(__file__).parent / "static"
FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/draw.js": ("draw.js", "text/javascript"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def make_app(apis: Mapping[str, Api] = CATALOGUE) -> FastAPI:
    """The page and its answers for these APIs; every route asks Airflow who is there."""
    known = [Depends(requires_access_view(AccessView.PLUGINS))]
    app = FastAPI(dependencies=known, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(_WithHeaders)
    app.add_exception_handler(EntraLakeError, _refused(503))
    app.add_exception_handler(NotThere, _refused(404))
    app.add_exception_handler(Exception, _unexpected)
    for path, (name, media_type) in FILES.items():
        app.add_api_route(path, _file(STATIC / name, media_type))
    _add_answers(app, apis)
    return app


def _add_answers(app: FastAPI, apis: Mapping[str, Api]) -> None:
    opening = Lock()
    opened: list[Page] = []

    def page() -> Page:
        """The lake of this server; opened by the first who asks."""
        with opening:
            if not opened:
                connections.outside_tasks()
                settings = load_settings()
                lake = connections.lake_of(settings, RememberingStore)
                opened.append(Page(lake, settings, apis))
            return opened[0]

    @app.get("/overview")
    def overview(session: SessionDep, tenant: str | None = None) -> Response:
        """How every API is now, and the calendar of the last days."""
        return _json(page().overview(session, tenant))

    @app.get("/calendar")
    def calendar(session: SessionDep, tenant: str, until: date) -> Response:
        """The calendar of the days up to `until`."""
        return _json(page().calendar(session, tenant, until))

    @app.get("/interval")
    def interval(session: SessionDep, tenant: str, api: str, start: datetime) -> Response:
        """Everything about the interval of one API that starts at `start`."""
        return _json(page().interval(session, tenant, api, start))


def _file(path: Path, media_type: str) -> Callable[[], FileResponse]:
    """A route's answer with a file of the page."""

    def answer() -> FileResponse:
        return FileResponse(path, media_type=media_type)

    return answer


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _refused(status: int) -> Callable[[Request, Exception], Response]:
    """Answers with the error's own sentence, which says what to do."""

    def answer(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, status)

    return answer


def _unexpected(_: Request, error: Exception) -> Response:
    """The answer to a fault of ours, without its text. It passes by the middleware."""
    said = f"Unexpected {type(error).__name__}: the log of the API server says where; report it."
    return JSONResponse({"detail": said}, 500, HEADERS)


class _WithHeaders:
    """Every answer has `HEADERS`: files, JSON, and whatever the framework answers itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sends(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, sends)


app = make_app()
