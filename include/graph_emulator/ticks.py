"""Times as Graph prints them: 100-nanosecond ticks since 1970, UTC, as one integer.

Python's datetime drops the seventh fraction digit, so the emulator counts in ticks throughout.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

SECOND = 10_000_000
MINUTE = 60 * SECOND
HOUR = 3600 * SECOND
DAY = 24 * HOUR
NEVER = 2**63 - 1
"""Later than any event: what has not happened and will not."""

_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?)?"
)


@lru_cache(maxsize=4096)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def to_text(ticks: int) -> str:
    """`ticks` as Graph prints it: `Z`, 0 to 7 fraction digits, trailing zeros cut (observed)."""
    second, fraction = divmod(ticks, SECOND)
    if not fraction:
        return _second_text(second) + "Z"
    return f"{_second_text(second)}.{fraction:07d}".rstrip("0") + "Z"


def from_datetime(at: datetime) -> int:
    """The ticks of an aware datetime, exactly."""
    whole = int(at.replace(microsecond=0).timestamp())
    return whole * SECOND + at.microsecond * 10


def from_text(text: str) -> int:
    """The ticks of a date or timestamp; without zone it is UTC. ValueError if it is neither."""
    found = _TEXT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"not a timestamp: {text!r}")
    date, time, fraction, zone = found.groups()
    zone = "+00:00" if zone in (None, "Z", "z") else zone
    whole = datetime.fromisoformat(f"{date}T{time or '00:00:00'}{zone}")
    return int(whole.timestamp()) * SECOND + int((fraction or "0")[:7].ljust(7, "0"))


def to_datetime(ticks: int) -> datetime:
    """The aware UTC datetime of `ticks`; the seventh digit is dropped."""
    second, fraction = divmod(ticks, SECOND)
    return datetime.fromtimestamp(second, UTC).replace(microsecond=fraction // 10)
