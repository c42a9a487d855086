"""One page, whatever happens on the way: asked for, checked, asked again by the kind of fault."""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit

import httpx

from include.entra_logs.api import Api, Window, utc_text
from include.entra_logs.errors import Refused, Throttled, Transient
from include.entra_logs.graph.answers import Answer, Reply, body_check, read_answer, server_time
from include.entra_logs.graph.faults import Expired, Forbidden, StaleLink, TimedOut
from include.entra_logs.graph.identity import Identity
from include.entra_logs.graph.limits import Limits
from include.entra_logs.graph.network import untrusted
from include.entra_logs.graph.pacing import Pace
from include.entra_logs.source import BELIEVED

TICK = timedelta(microseconds=1)
PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Query:
    """What a read asks: one API's events of a window, by one of its time properties."""

    host: str
    """Of Graph, as a URL without a slash at the end."""
    api: Api
    window: Window
    filter_by: str

    def first_url(self, window: Window, top: int) -> str:
        """The request for the first page of `window`: the API's bounds and clause, and `$top`.

        `ge` and `le` unless the API says otherwise: for the log collections gt and lt are
        undocumented, and were seen to be ignored. Events from beside the window are cut by `keep`.
        """
        by, api = self.filter_by, self.api
        low, high = api.bounds.split("/")
        margin = TICK if api.bounds == "gt/lt" else timedelta(0)
        start, end = utc_text(window.start - margin), utc_text(window.end + margin)
        text = f"{by} {low} {start} and {by} {high} {end}"
        if api.where:
            text += f" and {api.where}"
        address = f"{self.host}/{api.table.version}/{api.path}"
        return f"{address}?$filter={quote(text, safe='')}&$top={top}"


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL, in lower case, a default port spelled out."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or PORTS.get(scheme)


def same_origin(url: str, host: str) -> bool:
    """True if a token for `host` may go to `url`; False also for what is no URL."""
    try:
        parts = urlsplit(url)
        return origin(url) == origin(host) and parts.username is None and parts.password is None
    except ValueError:
        return False


def check_link(link: str, host: str, seen: set[int]) -> None:
    """Add the link to `seen`.

    Transient if it leads to another server, StaleLink if it was followed before: a circle.
    """
    if not same_origin(link, host):
        raise Transient("Graph's nextLink leads to another server; no token is sent there.")
    if hash(link) in seen:
        raise StaleLink("Graph's nextLinks lead in a circle.")
    seen.add(hash(link))


ERROR_BODY = 64 * 1024
"""What is read of an answer that is not a page: its code and message stand at the beginning."""


@dataclass
class Effort:
    """Failures of a whole read, so that its total is bounded however they are spread."""

    limits: Limits
    failures: int = 0
    in_a_row: int = 0

    def failed(self, error: Transient, requests: int) -> None:
        """Count one failure; Transient once they are too many."""
        self.failures += 1
        self.in_a_row += 1
        if self.in_a_row > self.limits.barren:
            raise Transient(f"{self.in_a_row} requests in a row brought no page; last: {error}")
        if self.failures > self.limits.failures + requests // 2:
            raise Transient(f"{self.failures} of {requests} requests failed; last: {error}")

    def succeeded(self) -> None:
        """A page came."""
        self.in_a_row = 0


@dataclass
class Trail:
    """What a chain of pages leaves behind: the links it followed, the seconds it waited."""

    seen: set[int] = field(default_factory=set)
    waited: float = 0.0


class Asker:
    """Asks Graph for pages of one query, in one event loop."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        identity: Identity,
        pace: Pace,
        limits: Limits,
        query: Query,
        now: Callable[[], datetime],
    ) -> None:
        self._now = now
        self.pace = pace
        self.effort = Effort(limits)
        self.latency: float | None = None
        """Real seconds from a request to its page, of late."""
        self.clock: datetime | None = None
        """The time at its last answer, of whatever status: by Graph, if that can be believed."""
        self.skew = 0.0
        """Seconds by which Graph's clock was ahead of ours at its last answer."""
        self._client = client
        self._host = query.host
        self._identity = identity
        self._limits = limits
        self._api = query.api
        self._check = body_check(query.filter_by)
        self._renewing = asyncio.Lock()

    async def page(self, url: str, trail: Trail, *, linked: bool) -> Answer:
        """The page at `url`; its next link is checked and added to the trail.

        Raises StaleLink and TimedOut at once (only a new plan of slices mends them), Throttled for
        a wait beyond the patience, Refused for what lasts, Transient once the tries are used up.
        """
        tries = forbidden = 0
        refused_token: str | None = None
        while True:
            token = await self._token(refused_token)
            try:
                answer = await self._once(url, token, trail, linked=linked)
                if answer.next_link is not None:
                    check_link(answer.next_link, self._host, trail.seen)
            except Throttled as error:
                self.pace.refused(error.wait)
            except Expired as error:
                refused_token = _first_time(refused_token, token, error)
                self.effort.failed(error, self.pace.requests)
            except Forbidden as error:
                forbidden += 1
                last: Exception = Refused(error.remedy)
                await self._again(error, trail, forbidden, self._limits.forbidden, last)
            except (StaleLink, TimedOut) as error:
                self.effort.failed(error, self.pace.requests)
                raise
            except Transient as error:
                tries += 1
                last = Transient(f"{self._api.name}: {tries} tries of a page failed; last: {error}")
                await self._again(error, trail, tries, self._limits.attempts, last)
            else:
                self.effort.succeeded()
                self.pace.passed()
                return answer

    async def _again(
        self, error: Transient, trail: Trail, tries: int, limit: int, last: Exception
    ) -> None:
        """Wait before the next try; raise `last` when there is none left."""
        self.effort.failed(error, self.pace.requests)
        if tries >= limit:
            raise last
        trail.waited += await self.pace.sleep(self.pace.backoff(tries))

    async def _token(self, instead_of: str | None) -> str:
        """A living token; the slices that find theirs expired share one renewal."""
        async with self._renewing:
            return await asyncio.to_thread(self._identity.token, instead_of=instead_of)

    async def _once(self, url: str, token: str, trail: Trail, *, linked: bool) -> Answer:
        """One request and what its answer means, network faults included."""
        if not same_origin(url, self._host):
            raise Refused("A request would leave Graph's host; no token is sent there.")
        trail.waited += await self.pace.turn()
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._limits.whole_page):
                reply = await self._fetch(url, token)
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout):
            raise TimedOut(f"Graph did not answer {self._api.name} in time.") from None
        except httpx.HTTPError as error:
            if untrusted(error):
                raise Refused(
                    "The certificate of Graph's host is not trusted: set extra.verify of the "
                    "connection to the path of its CA file."
                ) from None
            raise Transient(f"The connection to Graph failed ({type(error).__name__}).") from None
        with suppress(Transient):
            self.clock = self._believed(server_time(reply.headers))
        answer = read_answer(self._api, reply, self._check, linked=linked)
        answer = replace(answer, asked_at=self._believed(answer.asked_at))
        took = time.monotonic() - began
        self.latency = took if self.latency is None else (self.latency + took) / 2
        return answer

    def _believed(self, told: datetime) -> datetime:
        """Graph's clock where it is near ours, else ours: nothing it says may be years ahead."""
        now = self._now()
        self.skew = (told - now).total_seconds()
        return told if abs(told - now) <= BELIEVED else now

    async def _fetch(self, url: str, token: str) -> Reply:
        """The answer and its body as a whole, never more than the limit of it in memory."""
        headers = httpx.Headers(self._api.headers)
        headers.update(  # replaces whatever the case
            {
                "Authorization": f"Bearer {token}",
                "Accept": "application/json",
                "client-request-id": str(uuid.uuid4()),
            }
        )
        async with self._client.stream("GET", url, headers=headers) as response:
            wanted = self._limits.body if response.status_code == 200 else ERROR_BODY
            pieces: list[bytes] = []
            size = 0
            async for piece in response.aiter_bytes():
                size += len(piece)
                if size > wanted and response.status_code != 200:
                    break
                if size > wanted:
                    raise Refused(
                        f"A page of {self._api.name} is larger than the limit of {wanted} bytes: "
                        "this is not Graph, or raise the limit of a page's body."
                    )
                pieces.append(piece)
            return Reply(response.status_code, response.headers, b"".join(pieces))


def _first_time(refused: str | None, token: str, error: Expired) -> str:
    """The token that Graph refused; Refused if it already was a new one."""
    if refused is not None:
        raise Refused(
            f"{error} A new token was refused as well: check that extra.scopes and host of the "
            "connection are of the same cloud, and the clock of this machine."
        )
    return token
