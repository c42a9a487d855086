"""When people work: how many events an hour brings, and from which office."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from include.graph_emulator import ticks
from include.graph_emulator.sites import OFFICES

_BY_HOUR = (
    .01, .005, .005, .005, .01, .03, .12, .45, 1.0, 1.1, .9, .8,
    .55, .85, .9, .8, .7, .5, .25, .15, .12, .1, .06, .03,
)  # fmt: skip
_WEEKEND = 0.08
_ALWAYS = 0.06
"""Service accounts and monitoring: the same at every hour, per mille of a full office's peak."""
_WIDTHS = (3600, 600, 60, 10)
_ROWS = 8000
"""A bucket is made shorter until it has, on average, no more rows than this."""


@dataclass(frozen=True)
class Hour:
    """One UTC hour: its weight, and the cumulative share of each office, services last."""

    weight: float
    shares: NDArray[np.float64]


@lru_cache(maxsize=4096)
def hour_at(start: int) -> Hour:
    """The load of the UTC hour that starts at `start` (ticks)."""
    at = ticks.to_datetime(start) + timedelta(minutes=30)
    weights = []
    for office in OFFICES:
        local = at.astimezone(ZoneInfo(office.zone))
        day = _WEEKEND if local.weekday() >= 5 else 1.0
        weights.append(office.share * _BY_HOUR[local.hour] * day)
    weights.append(_ALWAYS * 0.1)
    total = sum(weights)
    return Hour(total, np.cumsum(np.array(weights)) / total)


@lru_cache(maxsize=1)
def _working_day() -> float:
    """The summed weight of a Wednesday: what a daily number of events is spread over."""
    start = ticks.from_text("2026-01-14")
    return sum(hour_at(start + hour * ticks.HOUR).weight for hour in range(24))


def expected(per_day: float, start: int, width: int) -> float:
    """Events to expect in `width` ticks from `start` when a working day has `per_day`."""
    hour = hour_at(start // ticks.HOUR * ticks.HOUR)
    return per_day * hour.weight / _working_day() * width / ticks.HOUR


def bucket_width(per_day: float) -> int:
    """Ticks that a bucket should span, so that it holds some thousand events at most."""
    for width in _WIDTHS:
        if per_day * width / 86_400 <= _ROWS:
            return width * ticks.SECOND
    return _WIDTHS[-1] * ticks.SECOND


def draw_times(draw: np.random.Generator, start: int, width: int, count: int) -> NDArray[np.int64]:
    """`count` event times in the stretch, ascending, with 0 to 7 fraction digits.

    Some fall exactly on the first and on the last tick of a full hour, where windows meet.
    """
    times = start + draw.integers(0, width, count)
    sizes = [10**cut for cut in (7, 6, 5, 4, 3, 2, 1, 0)]
    digits = draw.choice(sizes, count, p=[0.02, 0.01, 0.01, 0.01, 0.02, 0.03, 0.1, 0.8])
    times -= times % digits
    if count > 3 and start % ticks.HOUR == 0:
        times[0] = start
    if count > 3 and (start + width) % ticks.HOUR == 0:
        times[1] = start + width - 1
    if count > 40:
        times[2] = times[3]  # createdDateTime is not unique (observed)
    return np.sort(times)


_LATE = {
    # (share, from seconds, to seconds): documented until 2022 as 95 % in 2 min and 99 % in 5 min;
    # observed 68 to 222 s; the tail of hours and days is inferred from what collectors miss
    "usual": ((0.94, 20, 180), (0.04, 180, 600), (0.014, 600, 7200), (0.004, 7200, 21600),
              (0.002, 21600, 172_800)),
    "heavy": ((0.70, 20, 300), (0.10, 300, 1800), (0.10, 1800, 14_400), (0.06, 14_400, 43_200),
              (0.04, 43_200, 216_000)),
    "none": ((1.0, 0, 0),),
}  # fmt: skip


def draw_arrivals(
    draw: np.random.Generator, times: NDArray[np.int64], lateness: str
) -> NDArray[np.int64]:
    """When each event becomes visible: its own time and a delay of seconds to days."""
    table = np.array(_LATE[lateness])
    kind = draw.choice(len(table), len(times), p=table[:, 0])
    low, high = table[kind, 1], table[kind, 2]
    delay = low + draw.random(len(times)) * (high - low)
    found: NDArray[np.int64] = times + (delay * ticks.SECOND).astype(np.int64)
    return found
