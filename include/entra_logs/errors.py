"""Every failure the pipeline raises on purpose, named by what to do next.

    EntraLakeError
    ├── Refused      fail now: waiting mends nothing; the message says what to change
    │   └── PastRetention   the source does not keep the window any more, or says so
    ├── Throttled    wait `wait` seconds, give the worker slot back, then go on
    ├── Transient    try again: network, 5xx, a body that is not whole
    └── Corrupt      a stored object is broken: rebuild it from raw

A message is one sentence with its remedy. It never carries a body, an event, a token or a secret.
"""

from datetime import datetime


class EntraLakeError(Exception):
    """The root: one sentence that says what is wrong and what to do."""


class Refused(EntraLakeError):
    """What waiting cannot mend: credentials, permission, licence, setting, window."""


class PastRetention(Refused):
    """The source refused the window as older than what the tenant keeps."""

    asked_at: datetime | None = None
    """When it was asked, aware UTC."""


class Throttled(EntraLakeError):
    """Graph asks for a pause of `wait` seconds."""

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.wait = wait


class Transient(EntraLakeError):
    """What a later try may mend."""


class Corrupt(EntraLakeError):
    """A stored object that cannot be read as what it should be."""
