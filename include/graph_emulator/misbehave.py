"""Each kind of fault as an answer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import orjson

from include.graph_emulator import ticks
from include.graph_emulator.answers import Answer, Refusal
from include.graph_emulator.exchange import Exchange
from include.graph_emulator.faults import Fault
from include.graph_emulator.odata import invalid
from include.graph_emulator.pages import Rows, envelope
from include.graph_emulator.query import lost_token, null_token
from include.graph_emulator.tokens import expired

_HTML = b"<!DOCTYPE html><html><head><title>Service unavailable</title></head><body></body></html>"
_MID_BODY = (
    b'{"id":"Sync_HM0PK_XXXXX"{ "error": { "code":"BadRequest","message":"The property '
    b"'category[Nullable=False]' of type 'Edm.String' has a null value, which is not allowed.\","
    b'"innerError":{"date":"2018-12-05T11:41:29"}}}'
)
"""An error as the last item of a list that had begun well (observed)."""


Act = Callable[[Fault, Exchange], Answer]


def misbehave(fault: Fault, exchange: Exchange) -> Answer:
    """What `fault` makes of the exchange: a bad answer, or a Refusal."""
    return _ACTS[fault.kind](fault, exchange)


def _body(exchange: Exchange, rows: Rows, link: str | None) -> Answer:
    return Answer(body=envelope(exchange.query, rows, link, null_link=False))


def retry_after(fault: Fault, now: int) -> dict[str, str]:
    """The header in the form that the fault names."""
    if fault.retry_after is None:
        return {}
    if fault.retry_after_form == "date":
        # rounded up: a date has whole seconds, and a client must not come too early
        at = ticks.to_datetime(now) + timedelta(seconds=-(-fault.retry_after // 1))
        return {"Retry-After": format_datetime(at, usegmt=True)}
    if fault.retry_after_form == "seconds":
        return {"Retry-After": str(int(fault.retry_after))}
    return {"Retry-After": f"{fault.retry_after:.3f}"}


def failed(fault: Fault, now: int) -> Refusal:
    """The refusal of a throttled or server_error fault."""
    headers = retry_after(fault, now)
    if fault.kind == "throttled":
        message = "This request is throttled. Please try again after some time."  # observed
        return Refusal(429, "UnknownError", message, headers)
    codes = {500: "InternalServerError", 502: "BadGateway", 504: "GatewayTimeout"}
    code = codes.get(fault.status, "ServiceUnavailable")
    return Refusal(fault.status, code, "The server cannot handle the request now.", headers)


def _failed(fault: Fault, exchange: Exchange) -> Answer:
    raise failed(fault, exchange.now)


def _reset(_fault: Fault, exchange: Exchange) -> Answer:
    return replace(exchange.page(), cut_after=0)


def _truncated(_fault: Fault, exchange: Exchange) -> Answer:
    answer = exchange.page()
    return replace(answer, cut_after=max(1, answer.size // 2))


def _cut_json(_fault: Fault, exchange: Exchange) -> Answer:
    """A response that is whole as HTTP, and half as JSON."""
    whole = b"".join(exchange.page().body)
    return Answer(body=[whole[: max(1, len(whole) * 2 // 3)]])


def _html(_fault: Fault, _exchange: Exchange) -> Answer:
    return Answer(body=[_HTML], content_type="text/html; charset=utf-8")


def _error_mid_body(_fault: Fault, exchange: Exchange) -> Answer:
    body = exchange.page().body
    comma = b"," if exchange.rows.count else b""
    return Answer(body=[*body[:-1], comma + _MID_BODY])


def _expired_token(_fault: Fault, exchange: Exchange) -> Answer:
    exchange.shared.tokens.expire()
    raise expired(exchange.request.host)


def _forbidden(_fault: Fault, exchange: Exchange) -> Answer:
    message = "Calling principal does not have required MSGraph permissions "
    permission = exchange.query.collection.permission
    raise Refusal(403, "Authentication_MSGraphPermissionMissing", message + permission)


def _not_premium(_fault: Fault, _exchange: Exchange) -> Answer:
    raise Refusal(
        403,
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "Neither tenant is B2C or tenant doesn't have premium license",
    )


def _invalid_filter(_fault: Fault, _exchange: Exchange) -> Answer:
    raise invalid()


def _dead_skiptoken(fault: Fault, exchange: Exchange) -> Answer:
    exchange.shared.dead.add(exchange.query.token.chain)
    if fault.form == "null":
        raise null_token()
    if fault.form == "no_code":
        raise Refusal(400, "", "Invalid Skip Token")
    raise lost_token()


def _hang(fault: Fault, exchange: Exchange) -> Answer:
    answer = exchange.page()
    if fault.seconds is None:
        return replace(answer, silent=True)
    return replace(answer, delay=fault.seconds)


def _trickle(fault: Fault, exchange: Exchange) -> Answer:
    return replace(exchange.page(), trickle=fault.seconds or 1.0)


def _events(exchange: Exchange) -> list[Any]:
    return list(orjson.loads(b"[" + b",".join(exchange.rows.pieces) + b"]"))


def _with(exchange: Exchange, before: list[Any], after: list[Any]) -> Answer:
    """The right page with more rows before and after its own."""
    rows = exchange.rows
    pieces = [*map(orjson.dumps, before), *rows.pieces, *map(orjson.dumps, after)]
    return _body(exchange, replace(rows, pieces=pieces), exchange.next_link())


def _duplicates(fault: Fault, exchange: Exchange) -> Answer:
    """Rows of the page before once more; on a first page, its own last rows twice."""
    offset = exchange.rows.offset
    if not offset:
        return _with(exchange, [], _events(exchange)[-fault.rows :])
    back = min(fault.rows, offset)
    token = replace(exchange.query.token, offset=offset - back)
    earlier = replace(exchange.query, token=token, top=back)
    again = exchange.shared.pages.rows(earlier, exchange.tenant, exchange.at, exchange.now)
    return _with(exchange, list(orjson.loads(b"[" + b",".join(again.pieces) + b"]")), [])


def _conflicting(fault: Fault, exchange: Exchange) -> Answer:
    """Older versions of rows ahead of the right ones: same id and time, other content."""
    collection = exchange.query.collection
    older = []
    for event in _events(exchange)[: fault.rows]:
        copy = {**event, "correlationId": "00000000-0000-4000-8000-000000000000"}
        if collection.updated_time:
            at = ticks.from_text(event[collection.updated_time]) - 1
            copy[collection.updated_time] = ticks.to_text(at)
        older.append(copy)
    return _with(exchange, older, [])


def _defective(fault: Fault, exchange: Exchange) -> Answer:
    """One more event that has no id, no time, or is no object: the right ones stay."""
    events = _events(exchange)
    event = dict(events[0]) if events else {"id": "x", exchange.query.collection.event_time: None}
    if fault.kind == "event_without_id":
        event.pop("id")
    else:
        event.pop(exchange.query.collection.event_time)
        event["id"] = f"without-time-{exchange.rows.offset}"
    return _with(exchange, [], ["no object" if fault.kind == "event_not_object" else event])


def _empty_page(_fault: Fault, exchange: Exchange) -> Answer:
    """No rows and a link to where they are (documented: "zero or more results")."""
    rows = Rows([], 0, exchange.rows.offset, more=True)
    return _body(exchange, rows, exchange.link(exchange.rows.offset))


def _foreign(fault: Fault, exchange: Exchange) -> Answer:
    link = exchange.link(exchange.rows.offset + exchange.rows.count)
    _, _, rest = link.partition(exchange.request.host)
    return _body(exchange, exchange.rows, f"{fault.scheme}://{fault.host}{rest}")


def _looping(fault: Fault, exchange: Exchange) -> Answer:
    back = exchange.rows.offset - (fault.span - 1) * exchange.query.top
    link = exchange.link(back) if back >= 0 else exchange.next_link()
    return _body(exchange, exchange.rows, link)


def _empty_link(_fault: Fault, exchange: Exchange) -> Answer:
    """A next link with an empty token (observed, 2024)."""
    link = exchange.link(0).partition("$skiptoken=")[0] + "$skiptoken="
    return _body(exchange, exchange.rows, link)


def _short(_fault: Fault, exchange: Exchange) -> Answer:
    """Fewer rows than there are, and no link (observed: 11,941 and then 16,992 rows)."""
    events = _events(exchange)
    kept = events[: max(0, len(events) - max(1, len(events) // 5))]
    rows = Rows(
        [orjson.dumps(event) for event in kept], len(kept), exchange.rows.offset, more=False
    )
    return _body(exchange, rows, None)


def _empty_body(_fault: Fault, _exchange: Exchange) -> Answer:
    return Answer(body=[b""])


def _invalid_utf8(_fault: Fault, exchange: Exchange) -> Answer:
    body = b"".join(exchange.page().body)
    return Answer(body=[body[:-2] + b',"\xff\xfe\xc3"' + body[-2:]])


def _value(fault: Fault, exchange: Exchange) -> Answer:
    body: dict[str, Any] = {"@odata.context": exchange.query.collection.context("v1.0")}
    if fault.kind != "value_missing":
        body["value"] = None if fault.kind == "value_null" else {"id": "1"}
    return Answer(body=[orjson.dumps(body)])


def _huge(fault: Fault, exchange: Exchange) -> Answer:
    """The right page, and a property of many megabytes beside it."""
    first, *rest = exchange.page().body
    padding = b'{"@emulator.padding":"' + b"x" * (fault.megabytes * 10**6) + b'",'
    return Answer(body=[padding + bytes(first[1:]), *rest])


_ACTS: dict[str, Act] = {
    "throttled": _failed,
    "server_error": _failed,
    "reset": _reset,
    "truncated": _truncated,
    "cut_json": _cut_json,
    "html": _html,
    "error_mid_body": _error_mid_body,
    "expired_token": _expired_token,
    "forbidden": _forbidden,
    "not_premium": _not_premium,
    "invalid_filter": _invalid_filter,
    "dead_skiptoken": _dead_skiptoken,
    "hang": _hang,
    "slow": _hang,
    "trickle": _trickle,
    "duplicates": _duplicates,
    "conflicting_duplicates": _conflicting,
    "empty_page": _empty_page,
    "foreign_next_link": _foreign,
    "looping_next_link": _looping,
    "empty_next_link": _empty_link,
    "short_answer": _short,
    "empty_body": _empty_body,
    "invalid_utf8": _invalid_utf8,
    "value_missing": _value,
    "value_null": _value,
    "value_not_list": _value,
    "event_without_id": _defective,
    "event_without_time": _defective,
    "event_not_object": _defective,
    "huge_body": _huge,
}
