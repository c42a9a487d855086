"""One page, whatever happens on the way: asked for, checked, asked again by the kind of fault."""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import httpx

from include.entra_logs.errors import Refused, Throttled, Transient
from include.entra_logs.graph.answers import Answer, Reply, body_check, read_answer, server_time
from include.entra_logs.graph.body import ACCEPTED, Body
from include.entra_logs.graph.faults import Expired, Forbidden, StaleLink, TimedOut, TooLarge
from include.entra_logs.graph.identity import Identity
from include.entra_logs.graph.limits import Limits
from include.entra_logs.graph.network import untrusted
from include.entra_logs.graph.pacing import Pace
from include.entra_logs.graph.query import Query, check_link, same_origin
from include.entra_logs.graph.trail import Trail
from include.entra_logs.source import BELIEVED

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


_NO_HOST = (
    "host of the connection can't be looked up as it is written: it has to be the name of Graph's "
    "host, such as graph.microsoft.com."
)


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

        Raises StaleLink, TimedOut and TooLarge at once (only another plan of slices, or another
        size of a page, mends them), Throttled for a wait beyond the patience, Refused for what
        lasts, Transient once the tries are used up.
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
            except TooLarge:  # bounded by itself: half as many events, half the time
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
        except (httpx.InvalidURL, UnicodeError):
            raise Refused(_NO_HOST) from None
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
                "Accept-Encoding": ACCEPTED,
                "client-request-id": str(uuid.uuid4()),
            }
        )
        async with self._client.stream("GET", url, headers=headers) as response:
            with suppress(Transient):
                self.clock = self._believed(server_time(response.headers))
            whole = self._page if response.status_code == 200 else _error_text
            return Reply(response.status_code, response.headers, await whole(response))

    async def _page(self, response: httpx.Response) -> bytes:
        """The body of a page; TooLarge as soon as it is larger than the limit."""
        limit = self._limits.body
        body = Body("Graph's answer", response.headers.get("content-encoding", ""), limit)
        async for piece in response.aiter_raw():
            if not body.add(piece):
                raise TooLarge(f"A page of {self._api.name} is larger than {limit} bytes.")
        return body.whole()


async def _error_text(response: httpx.Response) -> bytes:
    """The beginning of an answer that is no page: its code and message stand there.

    Nothing where it can't be read and the status alone says what to do.
    """
    try:
        body = Body("Graph's answer", response.headers.get("content-encoding", ""), ERROR_BODY)
        async for piece in response.aiter_raw():
            if not body.add(piece):
                break
        return body.begun()
    except Transient:
        if response.status_code == 400:
            raise
        return b""


def _first_time(refused: str | None, token: str, error: Expired) -> str:
    """The token that Graph refused; Refused if it already was a new one."""
    if refused is not None:
        raise Refused(
            f"{error} A new token was refused as well: check that extra.scopes and host of the "
            "connection are of the same cloud, and the clock of this machine."
        )
    return token
