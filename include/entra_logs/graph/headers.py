"""What the headers of an answer say: a date in each of HTTP's forms, and how long to wait."""

import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from include.entra_logs.errors import bounded

_SECONDS = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)
_NEXT_HEADER = re.compile(r",(?!\s*\d{1,2}[ -][A-Za-z])")
"""The comma between two headers of one name, not the one within a date."""


def http_date(text: str) -> datetime | None:
    """A date of RFC 9110 (IMF-fixdate, RFC 850, asctime), aware UTC; None if it is none.

    A date without a zone is UTC: HTTP knows no other.
    """
    try:
        at = email.utils.parsedate_to_datetime(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds from Retry-After, at most LONGEST_WAIT; 0 if there is none, or it has passed.

    Seconds, decimals, or a date by the answer's own clock; of several, the longest.
    """
    now = http_date(headers.get("date", "")) or datetime.now(UTC)
    parts = _NEXT_HEADER.split(headers.get("retry-after", ""))
    return bounded(max(_seconds(part.strip(), now) for part in parts))


def _seconds(text: str, now: datetime) -> float:
    """What one header asks for; 0 for nonsense, below 0 for what has passed."""
    if _SECONDS.fullmatch(text):
        return float(text)
    until = http_date(text)
    return (until - now).total_seconds() if until else 0.0
