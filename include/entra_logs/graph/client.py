"""The client: what the pipeline uses of Microsoft Graph. Synchronous outside, one loop per call."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

import httpx
import psutil

from include.entra_logs.api import Api, Window
from include.entra_logs.errors import PastRetention
from include.entra_logs.graph.asking import Asker
from include.entra_logs.graph.connection import GraphConnection
from include.entra_logs.graph.faults import TimedOut, TooLarge
from include.entra_logs.graph.identity import GUID, Identity, certificate_end, quiet_libraries
from include.entra_logs.graph.limits import Limits
from include.entra_logs.graph.network import http_options, no_cookies
from include.entra_logs.graph.pacing import Pace
from include.entra_logs.graph.query import Query
from include.entra_logs.graph.reading import Reading
from include.entra_logs.graph.trail import Trail
from include.entra_logs.source import Access, ReadStore, ReadSummary

T = TypeVar("T")

STORING = 2
"""Pages stored (compressed, written) at once."""


def utc_now() -> datetime:
    """The worker's clock, aware UTC."""
    return datetime.now(UTC)


class GraphClient:
    """A `Source`: reads log collections of one tenant.

    `pace` is a factor on every wait (1 in production, less in tests); `limits` bound the effort;
    `now` is the worker's clock. Errors are those of `errors`: Refused, PastRetention, Throttled,
    Transient.
    """

    def __init__(
        self,
        connection: GraphConnection,
        *,
        pace: float = 1.0,
        limits: Limits | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._now = now
        self._connection = connection
        self._identity = Identity(connection)
        self._pace = pace
        self._limits = limits or Limits()
        self._last_request: float | None = None

    def __enter__(self) -> Self:
        quiet_libraries()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._identity = Identity(self._connection)  # forgets the token

    @property
    def tenant_id(self) -> str | None:
        """The tenant's guid, where the connection names it by that."""
        named = (self._connection.tenant or "").lower()
        return named if GUID.match(named) else None

    @property
    def credential_end(self) -> datetime | None:
        """When the connection's certificate ends. Raises Refused for one that can't be read."""
        return certificate_end(self._connection)

    def authenticate(self, api: Api, window: Window, filter_by: str) -> Access:
        """Prove with a token and one row of `window` that the app may read `api`."""
        tenant_id = self._identity.tenant_id()
        query = Query(self._connection.host, api, window, filter_by)

        async def probe(asker: Asker) -> Access:
            for _ in range(self._limits.forbidden):
                try:
                    url = query.first_url(window, top=1)
                    answer = await asker.page(url, Trail(), linked=False)
                except PastRetention:
                    return Access(tenant_id, asker.clock, past_retention=True)
                except TooLarge:  # an event of that size, but we may read it
                    return Access(tenant_id, asker.clock)
                except TimedOut as error:
                    late = error
                else:
                    return Access(tenant_id, answer.asked_at)
            raise late

        return self._run(query, probe)

    def read(self, api: Api, window: Window, filter_by: str, store: ReadStore) -> ReadSummary:
        """Bring every page of `window` into `store`, going on where an earlier try came to.

        On return the slices in the store cover the window exactly, each to its last page.
        """
        query = Query(self._connection.host, api, window, filter_by)

        async def read(asker: Asker) -> ReadSummary:
            try:
                return await Reading(asker, query, store, self._limits).run()
            except PastRetention as error:
                error.asked_at = asker.clock
                raise

        return self._run(query, read)

    def _run(self, query: Query, work: Callable[[Asker], Awaitable[T]]) -> T:
        async def inside() -> T:
            limits = self._limits
            # few threads: each one that ever stored a page keeps memory of its own
            threads = ThreadPoolExecutor(STORING, thread_name_prefix="store")
            asyncio.get_running_loop().set_default_executor(threads)
            timeout = httpx.Timeout(limits.quiet, connect=limits.connect, pool=None)
            sockets = httpx.Limits(max_connections=limits.slices)
            options = http_options(self._connection) | {"cookies": no_cookies()}
            async with httpx.AsyncClient(timeout=timeout, limits=sockets, **options) as client:
                pace = self._new_pace(query.api)
                asker = Asker(client, self._identity, pace, limits, query, self._now)
                try:
                    return await work(asker)
                finally:
                    self._last_request = time.time()

        return asyncio.run(inside())

    def _new_pace(self, api: Api) -> Pace:
        """A pace whose first request keeps its distance from those sent before it.

        The pool lets one task at a time use a budget, so whoever used it before had ended when
        this process began.
        """
        before = self._last_request or psutil.Process().create_time()
        pace = Pace(api.workload.budget, scale=self._pace, patience=self._limits.patience)
        pace.hold(max(0.0, pace.interval - max(0.0, time.time() - before)))
        return pace
