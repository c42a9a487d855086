"""JSON with nothing lost: the parser and printer for events that other parsers refuse.

Used for single events only. Python's own parser takes lone surrogates and duplicate keys (the last
wins); numbers that Python's types don't hold and what is nested too deep are kept as their text.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DEEPEST = 100
"""Levels that are parsed; no column lies deeper than six."""
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True)
class Verbatim:
    """A JSON value kept as its text."""

    text: str


def loads(body: bytes) -> Any:
    """The value that `body` holds; ValueError if it is not JSON.

    Bytes that are not UTF-8 become lone surrogates (Python's `surrogateescape`).
    """
    text = body.decode("utf-8-sig", "surrogateescape")
    deep = list(_deep(text))
    parts, end = [], 0
    for start, stop in deep:
        parts += [text[end:start], "NaN"]  # no JSON: only we write it
        end = stop
    cut = iter([text[start:stop] for start, stop in deep])

    def constant(name: str) -> Verbatim:
        if name != "NaN" or (found := next(cut, None)) is None:
            raise ValueError(f"{name} is not JSON")
        return Verbatim(found)

    shallow = "".join([*parts, text[end:]])
    if "NaN" in text and deep and _has_constant(text):
        raise ValueError("NaN is not JSON")
    return json.loads(shallow, parse_float=_float, parse_int=_int, parse_constant=constant)


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


def _has_constant(text: str) -> bool:
    """Whether a bare NaN stands outside of all strings."""
    return "NaN" in _TOKENS.sub(" ", text)
