"""What the answers of Graph can mean beside the public errors: faults that the read itself mends.

All are Transient, so one that is not mended ends as "try again".

    Transient
    ├── Expired     401: a new token, once
    ├── Forbidden   403: a few more times, then Refused
    ├── StaleLink   the nextLink is dead: read the rest of the slice anew
    │   └── Circle   it was followed before: the same, a few times
    ├── TimedOut    no answer in time: the slice is too wide, halve it
    ├── TooLarge    a page of too many bytes: ask for half as many events, at last for a second's
    └── Endless     pages that bring nothing new: keep what is proven, end this try
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


class Circle(StaleLink):
    """The link to the next page is one that was followed before."""


class TimedOut(Transient):
    """Graph did not answer in time."""


class TooLarge(Transient):
    """A page of more bytes, or more values, than are taken into memory."""


class Endless(Transient):
    """Page after page without a new event."""
