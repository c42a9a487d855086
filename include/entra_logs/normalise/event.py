"""The event that a row of a table was made from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from include.entra_logs import verbatim
from include.entra_logs.api import utc_text
from include.entra_logs.schema import EXTRA, Group, Many, Node, column_name, event_shape
from include.entra_logs.table import Table


def rebuild_event(row: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """The event as Graph sent it, from a row's columns and its `_extra`.

    `row` is a row as `pyarrow` gives it (`to_pylist`). Equal to the original up to microseconds,
    absent = null = {}, the order of keys, all but the last of duplicate keys, and the spelling of
    numbers. What Python can't hold (1e400, a hundred levels of nesting) is a `Verbatim`.
    """
    shape = event_shape(table)
    event = _object(row, shape)
    if extra := row.get(EXTRA):
        _overlay(event, verbatim.loads(extra.encode()), shape)
    return event


def _object(row: Mapping[str, Any], shape: Group, path: str = "") -> dict[str, Any]:
    """The members of an object that have a value, from columns whose names begin with `path`."""
    found = {}
    for name, node in shape.members.items():
        here = f"{path}.{name}" if path else name
        value = (
            _object(row, node, here) or None
            if isinstance(node, Group)
            else _value(row.get(column_name(here)), node)
        )
        if value is not None:
            found[name] = value
    return found


def _value(value: Any, node: Node) -> Any:
    if value is None:
        return None
    if isinstance(node, Group):
        return _object(value, node)
    if isinstance(node, Many):
        return [_value(item, node.item) for item in value]
    return _time(value) if isinstance(value, datetime) else value


def _time(at: datetime) -> str:
    """`at` as Graph prints it: trailing zeros cut."""
    text = utc_text(at)
    return f"{text[:-1].rstrip('0')}Z" if "." in text else text


def _overlay(event: dict[str, Any], extra: dict[str, Any], shape: Group) -> None:
    """Put what had no column in its place; it replaces what a column has of the same property."""
    for name, value in extra.items():
        node = shape.members.get(name)
        if isinstance(node, Group) and isinstance(value, dict):
            _overlay(event.setdefault(name, {}), value, node)
        else:
            event[name] = value
