"""The budget is kept evenly; refusals are waited for, long ones give the slot back."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.entra_logs.api import Budget
from include.entra_logs.errors import Throttled
from include.entra_logs.graph.headers import retry_after
from include.entra_logs.graph.pacing import Pace

AUDIT = Budget(requests=5, seconds=10)


def test_requests_are_spaced_evenly() -> None:
    """Many slices at once: never two requests within the budget's interval, so no burst ever."""

    async def run() -> list[float]:
        pace, sent = Pace(AUDIT, scale=0.01), []

        async def chain() -> None:
            for _ in range(5):
                await pace.turn()
                sent.append(pace.now())

        await asyncio.gather(*(chain() for _ in range(4)))
        return sent

    sent = asyncio.run(run())
    assert all(later - earlier >= 2.0 for earlier, later in pairwise(sent))


def test_a_refusal_holds_everybody_back() -> None:
    """After a 429 nobody asks before Retry-After has passed, those already waiting included."""

    async def run() -> float:
        pace = Pace(AUDIT, scale=0)
        pace.refused(30)
        return sum(await asyncio.gather(*(pace.turn() for _ in range(3))))

    assert asyncio.run(run()) >= 30


def test_a_refusal_holds_back_whoever_is_next() -> None:
    """A request that was about to be sent when another one is refused waits as well."""

    async def run() -> float:
        pace = Pace(AUDIT, scale=0.01)
        await pace.turn()
        next_one = asyncio.create_task(pace.turn())
        await asyncio.sleep(0)
        pace.refused(30)
        return await next_one

    assert asyncio.run(run()) >= 29


def test_first_request_keeps_its_distance() -> None:
    """A budget that another task has just used is waited for."""

    async def run() -> float:
        pace = Pace(AUDIT, scale=0)
        pace.hold(1.5)
        return await pace.turn()

    assert asyncio.run(run()) == 1.5


@pytest.mark.parametrize("wait", [181.0, 3600.0], ids=str)
def test_a_long_wait_gives_the_slot_back(wait: float) -> None:
    """A Retry-After beyond the patience is handed to the caller at once."""

    async def run() -> None:
        Pace(AUDIT, scale=0, patience=180).refused(wait)

    with pytest.raises(Throttled) as caught:
        asyncio.run(run())
    assert caught.value.wait == wait


@pytest.mark.parametrize("wait", [0.0, 2.128, 60.0], ids=["none", "decimal", "minute"])
def test_an_hour_of_refusals_gives_the_slot_back(wait: float) -> None:
    """Short waits that never end in a page add up to the patience, with or without a header."""
    refusals = []

    async def run() -> None:
        pace = Pace(AUDIT, scale=0, patience=180)
        while len(refusals) < 1000:
            refusals.append(await pace.turn())
            pace.refused(wait)

    with pytest.raises(Throttled) as caught:
        asyncio.run(run())
    assert caught.value.wait >= 180
    assert len(refusals) < 100


def test_slower_after_a_refusal_and_back() -> None:
    """A refusal slows the read down; pages bring it back to full speed."""

    async def run() -> list[float]:
        pace, waits = Pace(AUDIT, scale=0), []
        pace.refused(1)
        for _ in range(8):
            waits.append(await pace.turn())
            pace.passed()
        return waits

    waits = asyncio.run(run())
    assert waits[1] > pace_interval()
    assert waits[-1] == 0  # a scale of 0 has no limiter: nothing is left of the slowness


def pace_interval() -> float:
    """Seconds between two requests of the audit budget."""
    return AUDIT.seconds / AUDIT.requests


def test_backoff_grows_with_jitter() -> None:
    """Without a header the waits double up to a minute, each with a jitter of up to a half."""

    async def run(jitter: float) -> list[float]:
        pace = Pace(AUDIT, jitter=lambda: jitter)
        return [pace.backoff(n) for n in range(1, 9)]

    assert asyncio.run(run(1.0)) == [2, 4, 8, 16, 32, 60, 60, 60]
    assert asyncio.run(run(0.0)) == [1, 2, 4, 8, 16, 30, 30, 30]


NOW = datetime(2026, 11, 22, tzinfo=UTC)
CLOCK = {"date": format_datetime(NOW, usegmt=True)}
WAITS = {
    "seconds": ("17", 17),
    "decimal": ("2.128", 2.128),
    "no digit before": (".5", 0.5),
    "IMF-fixdate": ("Sun, 22 Nov 2026 00:02:00 GMT", 120),
    "RFC 850": ("Sunday, 22-Nov-26 00:02:00 GMT", 120),
    "asctime": ("Sun Nov 22 00:02:00 2026", 120),
    "without a zone": ("Sun, 22 Nov 2026 00:02:00", 120),
    "another zone": ("Sun, 22 Nov 2026 01:02:00 +0100", 120),
    "past date": ("Sat, 22 Nov 2025 00:00:00 GMT", 0),
    "far date": ("Mon, 24 Nov 2036 00:00:00 GMT", 3600),
    "last date": ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
    "beyond the last date": ("Fri, 31 Dec 9999 23:59:59 -0100", 0),
    "before the first date": ("Mon, 01 Jan 0001 00:00:00 +0200", 0),
    "no such day": ("Sun, 31 Feb 2026 00:02:00 GMT", 0),
    "a day": ("86400", 3600),
    "four hundred digits": ("9" * 400, 3600),
    "negative": ("-5", 0),
    "nonsense": ("soon", 0),
    "not a number": ("nan", 0),
    "infinite": ("inf", 0),
    "exponent": ("1e308", 0),
    "empty": ("", 0),
    "commas": (",,", 0),
    "two": ("17, 30", 30),
    "a date and seconds": ("Sun, 22 Nov 2026 00:02:00 GMT, 7", 120),
    "seconds and a date": ("7,Sun, 22 Nov 2026 00:02:00 GMT", 120),
}


@pytest.mark.parametrize(("text", "seconds"), WAITS.values(), ids=WAITS.keys())
def test_retry_after(text: str, seconds: float) -> None:
    """Every form of HTTP, by the server's own clock and in UTC; an hour at most, 0 for nonsense."""
    assert retry_after(CLOCK | {"retry-after": text}) == seconds


def test_no_retry_after() -> None:
    """Without the header nothing is known; without a Date a far date is still bounded."""
    assert retry_after({}) == 0
    assert retry_after({"retry-after": "Mon, 24 Nov 2036 00:00:00 GMT"}) == 3600


@given(text=st.text(max_size=60), date=st.text(max_size=40))
def test_any_retry_after(text: str, date: str) -> None:
    """Whatever stands in the headers: a wait within the hour, never an exception."""
    assert 0 <= retry_after({"retry-after": text, "date": date}) <= 3600


@pytest.mark.parametrize("wait", [1e9, float("inf"), float("nan"), -1.0], ids=str)
def test_an_error_names_a_wait_that_can_be_waited(wait: float) -> None:
    """What waits by the error can always add it to its clock."""
    assert NOW + timedelta(seconds=Throttled("Pause.", wait).wait) <= NOW + timedelta(hours=1)
