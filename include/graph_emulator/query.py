"""One request for a collection, understood: options checked as Graph checks them."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote_plus

from include.graph_emulator import odata, skiptoken, ticks
from include.graph_emulator.answers import Refusal
from include.graph_emulator.collection import Collection
from include.graph_emulator.settings import Settings
from include.graph_emulator.skiptoken import SkipToken

_KNOWN = {"$filter", "$top", "$orderby", "$skiptoken", "$select", "$skip", "$count"}
_ALLOWED = (
    "Query option '{}' is not allowed. To allow it, set the 'AllowedQueryOptions' property on "
    "EnableQueryAttribute or QueryValidationSettings."
)


@dataclass(frozen=True)
class Query:
    """What a request asks for."""

    collection: Collection
    version: str
    filter: odata.Filter
    top: int
    order_by: str
    descending: bool
    token: SkipToken
    first: bool
    """The request has no `$skiptoken`."""
    select: tuple[str, ...]
    count: bool
    options: tuple[tuple[str, str], ...]
    """As sent, for the next link."""

    @property
    def plain(self) -> bool:
        """Rows can be cut out of rendered buckets: nothing but bounds of the event time."""
        return self.filter.exact and self.order_by == self.collection.event_time and not self.select

    def link(self, host: str, offset: int) -> str:
        """The next link: lower-case percent escapes, `+` for a space, `signins` (all observed)."""
        token = SkipToken(self.token.chain, self.token.at, offset).text()
        path = self.collection.path
        if any(name == "$filter" for name, _ in self.options):
            path = path.replace("signIns", "signins")
        query = "".join(f"{name}={_escape(value)}&" for name, value in self.options)
        return f"https://{host}/{self.version}/{path}?{query}$skiptoken={token}"


def _escape(text: str) -> str:
    escaped = quote_plus(text, safe="()!*")
    parts = escaped.split("%")
    return parts[0] + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts[1:])


def understand(
    collection: Collection, version: str, query: bytes, settings: Settings, now: int
) -> Query:
    """The Query of a request; Refusal 400 for what Graph refuses.

    Names without `$` are ignored, even a `filter` that lost its `$` (observed: it then returned
    everything); so are unknown ones.
    """
    pairs = parse_qsl(query.decode("latin-1").encode().decode(), keep_blank_values=True)
    options = {name.lower(): value for name, value in pairs if name.startswith("$")}
    for name in options:
        if name not in _KNOWN or (collection.strict_options and name in settings.refuse_options):
            raise Refusal(400, "BadRequest", _ALLOWED.format(name[1:].capitalize()))
    if "$skip" in options and not collection.strict_options:
        raise Refusal(400, "BadRequest", _ALLOWED.format("Skip"))  # SkipSupported=false in metadata
    found = odata.EVERYTHING
    if "$filter" in options:
        found = odata.parse(options["$filter"], collection, settings.gt_lt)
    order_by, descending = _order(collection, options.get("$orderby"))
    return Query(
        collection, version, found, _top(collection, options.get("$top"), settings), order_by,
        descending, _token(options.get("$skiptoken"), now), "$skiptoken" not in options,
        tuple(name.strip() for name in options.get("$select", "").split(",") if name.strip()),
        options.get("$count", "").lower() == "true",
        tuple((n, v) for n, v in pairs if n.lower() != "$skiptoken"),
    )  # fmt: skip


def _top(collection: Collection, text: str | None, settings: Settings) -> int:
    """Rows a page: the API's default and maximum; more is clamped or refused (documented both)."""
    cap = settings.page_cap or collection.max_top
    if text is None:
        return min(collection.default_top or collection.max_top, cap)
    if not text.isdigit() or int(text) == 0:
        raise Refusal(400, "BadRequest", f"Invalid value '{text}' for $top query option found.")
    if int(text) > collection.max_top and settings.oversized_top == "reject":
        limit = collection.max_top
        raise Refusal(400, "BadRequest", f"The limit of '{limit}' for Top query has been exceeded.")
    return min(int(text), collection.max_top, cap)


def _order(collection: Collection, text: str | None) -> tuple[str, bool]:
    """Property and direction; newest first by default (documented)."""
    if not text:
        return collection.event_time, True
    name, _, direction = text.strip().partition(" ")
    if name not in collection.times or direction.strip().lower() not in ("", "asc", "desc"):
        raise Refusal(400, "BadRequest", "Invalid orderby clause")
    return name, direction.strip().lower() == "desc"


def _token(text: str | None, now: int) -> SkipToken:
    if text is None:
        return SkipToken(skiptoken.new_chain(), now, 0)
    if not text:
        raise null_token()
    token = skiptoken.read(text)
    if token is None or token.at > now + ticks.DAY * 3650:
        raise lost_token()
    return token


def null_token() -> Refusal:
    """An empty skip token (observed)."""
    return Refusal(400, "UnknownError", "Invalid Skip Token, skip token is null")


def lost_token() -> Refusal:
    """A skip token that the service no longer knows (text observed, status and code inferred)."""
    return Refusal(400, "BadRequest", "Token not found: token is either invalid or expired")
