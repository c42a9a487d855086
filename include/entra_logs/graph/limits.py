"""How long and how often a read tries: every bound of it in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of one read. Times in seconds, sizes in bytes."""

    connect: float = 15
    """For a connection to be made, TLS included."""
    quiet: float = 100
    """Between two pieces of an answer; a query that is too wide shows as this silence."""
    whole_page: float = 240
    """For an answer as a whole; Graph's own front end gives up after 300."""
    body: int = 10 * 1024 * 1024
    """Of a page, inflated. A larger one is asked for anew with fewer events, so that the memory of
    all slices together stays below 400 MB, whoever answers."""
    slices: int = 8
    """Slices read at once, at most."""
    narrowest: float = 1
    """A slice is not split below this width."""
    attempts: int = 8
    """Tries of one page in a row, before the read gives up as Transient."""
    forbidden: int = 4
    """Answers 403 in a row that prove a missing permission or licence; single ones are known to
    come from a licensed tenant."""
    failures: int = 100
    """Failures of a whole read, plus one for every two requests, before it gives up."""
    barren: int = 40
    """Failures in a row without a single page from any slice, before it gives up."""
    idle: int = 1000
    """Pages of a slice in a row without a new event, each with a link to another one, before the
    read gives up. Empty pages with a link are legal, this many are not."""
    patience: float = 180
    """Waiting for Graph's permission to go on, without a page in between, before the worker slot
    is given back."""
