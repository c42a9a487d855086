"""What the answers of Graph can mean beside the public errors: faults that the read itself mends.

All are Transient, so one that is not mended ends as "try again".

    Transient
    ├── Expired     401: a new token, once
    ├── Forbidden   403: a few more times, then Refused
    ├── StaleLink   the nextLink is dead: read the rest of the slice anew
    └── TimedOut    no answer in time: the slice is too wide, halve it
"""

from include.entra_logs.errors import Transient


class Expired(Transient):
    """Graph no longer takes the token."""


class Forbidden(Transient):
    """Graph answered 403; `remedy` is the sentence for the case that it lasts."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class StaleLink(Transient):
    """The link to the next page leads nowhere."""


class TimedOut(Transient):
    """Graph did not answer in time."""
