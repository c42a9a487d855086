"""Every failure the pipeline raises on purpose, named by what to do next.

    EntraLakeError
    ├── Refused      fail now: waiting mends nothing; the message says what to change
    │   └── PastRetention   the source does not keep the window any more, or says so
    ├── Throttled    wait `wait` seconds, give the worker slot back, then go on
    ├── NotYet       the same, for a window that settles in so long; a manual run is told when
    ├── Transient    try again: network, 5xx, a body that is not whole
    └── Corrupt      a stored object is broken: rebuild it from raw

A message is one sentence with its remedy. It never carries a body, an event, a token or a secret.
"""

from datetime import datetime

LONGEST_WAIT = 3600.0
"""Seconds. Whoever asks for a longer pause is asked again after this one."""


class EntraLakeError(Exception):
    """The root: one sentence that says what is wrong and what to do."""


class Refused(EntraLakeError):
    """What waiting cannot mend: credentials, permission, licence, setting, window."""


class PastRetention(Refused):
    """The source refused the window as older than what the tenant keeps."""

    asked_at: datetime | None = None
    """When it was asked, aware UTC."""


class Throttled(EntraLakeError):
    """Graph asks for a pause of `wait` seconds, 0 to LONGEST_WAIT whatever was given."""

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.wait = bounded(wait)


class NotYet(EntraLakeError):
    """The window settles in `wait` seconds, at most LONGEST_WAIT of them."""

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.wait = bounded(wait)


class Transient(EntraLakeError):
    """What a later try may mend."""


class Corrupt(EntraLakeError):
    """A stored object that cannot be read as what it should be."""


def bounded(wait: float) -> float:
    """`wait` as seconds that somebody may be told to wait: 0 to LONGEST_WAIT, 0 for no number."""
    return min(wait, LONGEST_WAIT) if wait > 0 else 0.0
