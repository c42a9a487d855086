"""JSON with nothing lost: the parser and printer for what other parsers refuse.

Used for single events, and for pages that nothing else takes. It reads all that Python's own parser
reads (lone surrogates, duplicate keys of which the last wins, NaN, a byte order mark) and what is
nested as deep as anybody likes; numbers that Python's types don't hold and what is nested too deep
are kept as their text.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DEEPEST = 100
"""Levels that are parsed; no column lies deeper than six."""
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_BLANK = r"[ \t\n\r]*"
_GRAMMAR = re.compile(
    rf"{_BLANK}(?:"
    r'(?P<string>"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")'
    r"|(?P<scalar>-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?|true|false|null|NaN|-?Infinity)"
    rf"|(?P<mark>[\[\]{{}},:])){_BLANK}",
    re.DOTALL | re.ASCII,
)


@dataclass(frozen=True)
class Verbatim:
    """A JSON value kept as its text."""

    text: str


def loads(body: bytes) -> Any:
    """The value that `body` holds; ValueError if it is not JSON.

    Bytes that are not UTF-8 become lone surrogates (Python's `surrogateescape`). NaN and Infinity,
    which are no JSON though some print them, become text, as OData spells them.
    """
    text = body.decode("utf-8-sig", "surrogateescape")
    deep = list(_deep(text))
    mark = _unused(text) if deep else ""
    parts, end = [], 0
    for number, (start, stop) in enumerate(deep):
        _require_json(text, start, stop)
        parts += [text[end:start], f"{mark}e{number}"]
        end = stop
    cut = [text[start:stop] for start, stop in deep]

    def number_of(found: str) -> float | Verbatim:
        if mark and found.startswith(mark):
            return Verbatim(cut[int(found.rpartition("e")[2])])
        return _float(found)

    shallow = "".join([*parts, text[end:]])
    try:
        return json.loads(
            shallow, parse_float=number_of, parse_int=_int, parse_constant=str, strict=False
        )
    except RecursionError:
        raise ValueError("nested deep, and not closed") from None


def dumps(value: Any) -> str:
    """`value` as JSON text in ASCII; lone surrogates as escapes."""
    if isinstance(value, Verbatim):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{dumps(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value)


def _float(text: str) -> float | Verbatim:
    value = float(text)
    return value if abs(value) != float("inf") else Verbatim(text)


def _int(text: str) -> int | Verbatim:
    return int(text) if len(text) < 20 else Verbatim(text)


def _deep(text: str) -> Iterator[tuple[int, int]]:
    """Where the containers of level `DEEPEST` start and stop, in order."""
    depth = start = 0
    for token in _TOKENS.finditer(text):
        mark = token[0]
        if mark in "[{":
            depth += 1
            if depth == DEEPEST:
                start = token.start()
        elif mark in "]}":
            if depth == DEEPEST:
                yield start, token.end()
            depth -= 1


def _unused(text: str) -> str:
    """The beginning of a number that `text` does not hold."""
    mark = "0." + "7" * 20
    while mark in text:
        mark += "7"
    return mark


def _require_json(text: str, start: int, stop: int) -> None:
    """ValueError unless `text[start:stop]` is one JSON value, however deep."""
    opened: list[str] = []
    wants = "value"
    while start < stop:
        found = _GRAMMAR.match(text, start, stop)
        if found is None:
            raise ValueError("no JSON where it is nested deep")
        start = found.end()
        wants = _next(wants, found, opened)
    if opened or wants != "end":
        raise ValueError("not whole where it is nested deep")


def _next(wants: str, found: re.Match[str], opened: list[str]) -> str:
    """What may follow the token; ValueError if it may not stand where it stands."""
    mark = found["mark"]
    if mark is None:
        if wants in ("key", "key or end") and found["string"]:
            return "colon"
        if wants in ("value", "value or end"):
            return "comma" if opened else "end"
    elif mark in "[{" and wants in ("value", "value or end"):
        opened.append(mark)
        return "value or end" if mark == "[" else "key or end"
    elif mark in "]}" and wants in ("comma", "value or end", "key or end"):
        if opened.pop() == ("[" if mark == "]" else "{"):
            return "comma" if opened else "end"
    elif mark == ":" and wants == "colon":
        return "value"
    elif mark == "," and wants == "comma":
        return "value" if opened[-1] == "[" else "key"
    raise ValueError("no JSON where it is nested deep")
