"""What a read asks, and which links it follows from there."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlsplit

from include.entra_logs.api import Api, Window, utc_text
from include.entra_logs.errors import Transient
from include.entra_logs.graph.faults import Circle

TICK = timedelta(microseconds=1)
PORTS = {"https": 443, "http": 80}
LONGEST_LINK = 4096
"""Characters of a nextLink; Graph's have some hundred, and the store keeps one with each page."""


@dataclass(frozen=True)
class Query:
    """What a read asks: one API's events of a window, by one of its time properties."""

    host: str
    """Of Graph, as a URL without a slash at the end."""
    api: Api
    window: Window
    filter_by: str

    def first_url(self, window: Window, top: int) -> str:
        """The request for the first page of `window`: the API's bounds and clause, and `$top`.

        `ge` and `le` unless the API says otherwise: for the log collections gt and lt are
        undocumented, and were seen to be ignored. Events from beside the window are cut by `keep`.
        """
        by, api = self.filter_by, self.api
        low, high = api.bounds.split("/")
        margin = TICK if api.bounds == "gt/lt" else timedelta(0)
        start, end = utc_text(window.start - margin), utc_text(window.end + margin)
        text = f"{by} {low} {start} and {by} {high} {end}"
        if api.where:
            text += f" and {api.where}"
        address = f"{self.host}/{api.table.version}/{api.path}"
        return f"{address}?$filter={quote(text, safe='')}&$top={top}"


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL, in lower case, a default port spelled out."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or PORTS.get(scheme)


def same_origin(url: str, host: str) -> bool:
    """True if a token for `host` may go to `url`; False also for what is no URL."""
    try:
        parts = urlsplit(url)
        return origin(url) == origin(host) and parts.username is None and parts.password is None
    except ValueError:
        return False


def check_link(link: str, host: str, seen: set[int]) -> None:
    """Add the link to `seen`.

    Transient if it is no link or leads to another server, Circle if it was followed before.
    """
    if len(link) > LONGEST_LINK or not (link.isascii() and link.isprintable()):
        raise Transient("Graph's nextLink is not a link.")
    if not same_origin(link, host):
        raise Transient("Graph's nextLink leads to another server; no token is sent there.")
    if hash(link) in seen:
        raise Circle("Graph's nextLinks lead in a circle.")
    seen.add(hash(link))
