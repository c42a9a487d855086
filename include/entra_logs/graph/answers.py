"""What one answer of Graph means: a page to keep, or which error.

A 200 is believed only if its body is whole UTF-8 JSON with a list `value`, without an error object
in the middle (both are known: Graph broke off with an error inside a 200). It is checked without
making Python objects of events: msgspec walks over them and hands out the filtered time alone.
"""

import codecs
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from include.entra_logs import verbatim
from include.entra_logs.api import Api
from include.entra_logs.errors import EntraLakeError, PastRetention, Refused, Throttled, Transient
from include.entra_logs.graph.faults import Expired, Forbidden, StaleLink, TimedOut, TooLarge
from include.entra_logs.graph.headers import http_date, retry_after

MOST_COMMAS = 300_000
"""A bound on the values of a page, and so on the memory of looking at them: `[{},{},{}]` takes
twenty times its own size. A page of 1,000 sign-ins has some 50 thousand."""
_PIECE = 1024 * 1024
"""Bytes of a body that are looked at as text at once: a text may take four times its bytes."""

_LINK_DIED = re.compile(r"skip ?token|page ?token|token not found", re.IGNORECASE)


@dataclass(frozen=True)
class Reply:
    """What came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A whole page."""

    body: bytes
    next_link: str | None
    times: list[str | None]
    """The filtered property of each event in order, None where it is no text."""
    marks: list[int]
    """A number for each event, the same for the same id and time."""
    asked_at: datetime
    request_id: str


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Failure(msgspec.Struct):
    error: _Error


_NONE = msgspec.Raw(b"null")


class _LooseBody(msgspec.Struct, rename={"next_link": "@odata.nextLink"}):
    """A page in which not every event is an object."""

    value: list[msgspec.Raw]
    next_link: str | None = None
    error: msgspec.Raw = _NONE


class Checked(NamedTuple):
    """What a body says beside its events."""

    next_link: str | None
    times: list[str | None]
    marks: list[int]


Check = Callable[[bytes], Checked]
_decode_text = msgspec.json.Decoder(str).decode


def body_check(filter_by: str) -> Check:
    """A function that looks a body over: Transient if it is broken, TooLarge if too many values."""
    event = msgspec.defstruct(
        "Event",
        [
            ("time", msgspec.Raw, _NONE),
            ("id", msgspec.Raw | msgspec.UnsetType, msgspec.UNSET),
            ("error", msgspec.Raw | msgspec.UnsetType, msgspec.UNSET),
        ],
        rename={"time": filter_by},
        gc=False,
    )
    page = msgspec.defstruct(
        "PageBody",
        [
            ("value", list[event]),  # type: ignore[valid-type]
            ("next_link", str | None, None),
            ("error", msgspec.Raw, _NONE),
        ],
        rename={"next_link": "@odata.nextLink"},
    )
    decode = msgspec.json.Decoder(page).decode

    def check(body: bytes) -> Checked:
        if body.count(b",") > MOST_COMMAS:
            raise TooLarge(f"A page has more than {MOST_COMMAS} values.")
        found = _decoded(body, decode)
        if bytes(found.error) != b"null":
            raise Transient("Graph broke off with an error inside its answer.")
        if found.next_link == "":
            raise Transient("Graph answered with an empty nextLink.")
        if isinstance(found, _LooseBody):
            marks = [hash(bytes(raw)) for raw in found.value]
            return Checked(found.next_link, [None] * len(marks), marks)
        if found.value and _is_error(found.value[-1]):
            raise Transient("Graph broke off with an error inside its answer.")
        marks = [hash((bytes(e.id or b""), bytes(e.time))) for e in found.value]
        return Checked(found.next_link, [_text(e.time) for e in found.value], marks)

    return check


def _text(raw: msgspec.Raw) -> str | None:
    """The raw value as text, None if it is none."""
    try:
        return _decode_text(raw)
    except msgspec.DecodeError:
        return None


def _is_error(event: Any) -> bool:
    """True for an error object where the last event should be."""
    return event.id is msgspec.UNSET and bytes(event.error or b"").startswith(b"{")


def _decoded(body: bytes, decode: Callable[[bytes], Any]) -> Any:
    """The body by the strict shape; by the loose one if some event is no object."""
    try:
        _check_utf8(body)
        try:
            return _shaped(body, decode)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, RecursionError):
            return _shaped(_plain(body), decode)
    except UnicodeDecodeError:
        raise Transient("Graph's answer is not valid UTF-8.") from None
    except msgspec.ValidationError:
        raise Transient("Graph's answer is JSON without a list `value`.") from None
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise Transient(f"Graph's answer of {len(body)} bytes is not whole JSON.") from None


def _check_utf8(body: bytes) -> None:
    decode = codecs.getincrementaldecoder("utf-8")().decode
    for start in range(0, len(body), _PIECE):
        decode(body[start : start + _PIECE], start + _PIECE >= len(body))


def _shaped(body: bytes, decode: Callable[[bytes], Any]) -> Any:
    try:
        return decode(body)
    except msgspec.ValidationError:
        return msgspec.json.decode(body, type=_LooseBody)


def _plain(body: bytes) -> bytes:
    """What msgspec refuses and other parsers don't, so that it takes it; ValueError if none does.

    Lone surrogates, NaN, a byte order mark, a hundred thousand levels: one event must not hold up a
    window for ever.
    """
    page = verbatim.loads(body)
    if isinstance(page, dict) and isinstance(page.get("value"), list):
        page = {**page, "value": [_brief(event) for event in page["value"]]}
    return json.dumps(page, ensure_ascii=False, default=lambda _: None).encode("utf-8", "replace")


def _brief(event: Any) -> Any:
    """The event without what lies deeper in it, which nobody looks at here."""
    if not isinstance(event, dict):
        return None
    return {k: {} if isinstance(v, dict) else v for k, v in event.items() if type(v) is not list}


def read_answer(api: Api, reply: Reply, check: Check, *, linked: bool) -> Answer:
    """The page, or an error of the tree; `linked` tells that a nextLink was followed."""
    if reply.status != 200:
        raise failure(api, reply, linked=linked)
    request_id = reply.headers.get("request-id", "")[:64]
    return Answer(reply.body, *check(reply.body), server_time(reply.headers), request_id)


def failure(api: Api, reply: Reply, *, linked: bool) -> EntraLakeError:
    """The error that a status other than 200 stands for. Its text never holds the body."""
    status, error = reply.status, _error_of(reply.body)
    code = error.code or "no code"
    if status == 429:
        return Throttled(f"Graph throttles {api.name}.", retry_after(reply.headers))
    if status == 401:
        return Expired(f"Graph no longer takes the token for {api.name} (401 {code[:80]}).")
    if status == 403:
        return Forbidden(f"Graph answered 403 for {api.name}.", _remedy(api, code))
    if status in (408, 504):
        return TimedOut(f"Graph's gateway gave up on {api.name} ({status}).")
    if status < 300 or status >= 500 or status in (409, 423, 425):
        return Transient(f"Graph answered {status} for {api.name}.")
    return _refusal(api, status, code, error.message or "", linked=linked)


def _refusal(api: Api, status: int, code: str, text: str, *, linked: bool) -> EntraLakeError:
    """The error for a 4xx about the request itself; one about a link is the link's fault."""
    if linked or (status == 400 and _LINK_DIED.search(text)):
        return StaleLink(f"Graph no longer knows the link to the next page of {api.name}.")
    if status == 400 and "invalid filter" in text.lower():
        return PastRetention(
            f"Graph refused the filter of {api.name} (400): the window lies before what the "
            "tenant keeps; choose a later one."
        )
    return Refused(_unexpected(api, status, code))


def _unexpected(api: Api, status: int, code: str) -> str:
    if 300 <= status < 400:
        return (
            f"Graph's host answered {api.name} with a redirect ({status}), which is not followed "
            "with a token: check host of the connection."
        )
    return (
        f"Graph refused {api.table.version}/{api.path} with {status} ({code[:80]}): check that "
        "this cloud offers it and that host of the connection is Graph's."
    )


def _error_of(body: bytes) -> _Error:
    try:
        return msgspec.json.decode(body, type=_Failure).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Error()  # HTML of a proxy: the status alone counts


def _remedy(api: Api, code: str) -> str:
    """What is missing, by Graph's own code (codes as seen in the field)."""
    if "NonPremiumTenant" in code or "B2C" in code:
        need = api.licence or "Microsoft Entra ID P1 or P2"
        return (
            f"The tenant has no licence for {api.title.lower()} ({api.name}): it needs {need}; "
            "assign it in the Microsoft 365 admin centre."
        )
    licence = f" (the tenant also needs {api.licence})" if api.licence else ""
    return (
        f"The app may not read {api.title.lower()} ({api.name}): grant it the application "
        f"permission {api.permission} with admin consent in Entra{licence}."
    )


def server_time(headers: Mapping[str, str]) -> datetime:
    """The `Date` header, aware UTC; Transient if the answer has none."""
    found = http_date(headers.get("date", ""))
    if found is None:
        raise Transient("Graph's answer has no valid Date header.")
    return found
