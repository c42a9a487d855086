"""Graph's times: text → `timestamp[us, UTC]`.

Graph prints UTC with `Z` and 0 to 7 fraction digits, trailing zeros cut (Microsoft's own example
answers). Digits past the sixth are cut off, never rounded.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.compute as pc

from include.entra_logs.schema import TIME

STRICT = r"^([1-9]\d{3}|\d[1-9]\d{2}|\d{2}[1-9]\d|\d{3}[1-9])-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"
"""A time as Graph prints it, in the syntax that RE2 and Python share; there is no year 0."""

_STRICT = re.compile(STRICT, re.ASCII)
_ODD = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})[Tt ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?"
    r"\s*(?:([Zz])|([+-])(\d{1,2}):?(\d{2}))?\s*",
    re.ASCII,
)


class Unfit(ValueError):
    """Values that do not fit their columns as they are: the page takes the slow path."""


def to_times(texts: pa.Array) -> pa.Array:
    """The times that `texts` say; Unfit if one is spelled in another way or is no time."""
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), TIME)
    if not pc.all(pc.match_substring_regex(texts, STRICT)).as_py():
        raise Unfit("a time in another spelling")
    trimmed = pc.ascii_rtrim(pc.utf8_slice_codeunits(texts, 0, 26), "Z")
    try:
        return trimmed.cast(pa.timestamp("us")).cast(pa.int64()).cast(TIME)
    except pa.ArrowInvalid as error:
        raise Unfit("a time that does not exist") from error


def is_strict(text: str) -> bool:
    """Whether `to_times` takes `text`."""
    if not _STRICT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return True


def odd_time(text: str) -> str | None:
    """The same instant as Graph would print it, for a time in another spelling; else None.

    Offsets, one-digit parts, a blank or `t` in the middle, no seconds. Without an offset it is UTC.
    """
    if not (found := _ODD.fullmatch(text)):
        return None
    *date, fraction, _, sign, hours, minutes = found.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in date)
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        at = at.replace(microsecond=int((fraction or "")[:6].ljust(6, "0")))
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            at = at.replace(tzinfo=timezone(offset if sign == "+" else -offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
