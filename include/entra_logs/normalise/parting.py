"""Which values fit their columns: one compiled function per type, made once per read.

A fit takes a JSON value and returns two: what its column takes (None for nothing), and what has to
go to `_extra` (None for nothing). Whatever fits as it is comes back as the same object.
"""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from include.entra_logs.normalise.counts import Surprise
from include.entra_logs.normalise.times import is_strict, odd_time
from include.entra_logs.schema import TIME, Group, Leaf, Many, Node

Fit = Callable[[Any], tuple[Any, Any]]
Notes = set[Surprise]
"""What did not fit in the event at hand."""


def fit_event(shape: Group, notes: Notes, *, careful: bool = False) -> Fit:
    """The fit of whole events.

    `careful` also takes lone surrogates, which no other text column can hold, in `id`: escaped.
    """
    return _Compiler(notes, careful).group(shape, "", key="id")


class _Compiler:
    """Makes the fits of one tree; they write into the same notes."""

    def __init__(self, notes: Notes, careful: bool) -> None:  # noqa: FBT001 - private
        self._notes = notes
        self._careful = careful

    def _fit(self, node: Node, path: str) -> Fit:
        if isinstance(node, Group):
            return self.group(node, path)
        return self._many(node, path) if isinstance(node, Many) else self._leaf(node, path)

    def group(self, shape: Group, path: str, key: str | None = None) -> Fit:
        """The fit of an object; `key` is its property that must not be lost."""
        members = {
            name: self._fit(node, f"{path}.{name}" if path else name)
            for name, node in shape.members.items()
        }
        if key and self._careful:
            members[key] = _key_text
        plain = {name: t for name, node in shape.members.items() if (t := self._plain(node))}
        notes = self._notes

        def fit_member(name: str, item: Any) -> tuple[Any, Any]:
            if member := members.get(name):
                return member(item)
            notes.add(Surprise(path, name, _kind(item)))
            return None, item

        def fit(value: Any) -> tuple[Any, Any]:
            if type(value) is not dict:
                notes.add(Surprise(path, "", _kind(value)))
                return None, value
            unsure = [
                (name, item)
                for name, item in value.items()
                if type(item) is not plain.get(name) and (item is not None or name not in members)
            ]
            return _parted(value, unsure, fit_member) if unsure else (value, None)

        return fit

    def _plain(self, node: Node) -> type | None:
        """The Python type whose every value fits, if there is one."""
        if not isinstance(node, Leaf):
            return None
        if node.type == pa.bool_():
            return bool
        return str if node.type == pa.string() and not self._careful else None

    def _many(self, node: Many, path: str) -> Fit:
        item_fit = self._fit(node.item, f"{path}[]")
        plain = self._plain(node.item)
        notes = self._notes

        def fit(value: Any) -> tuple[Any, Any]:
            if type(value) is not list:
                notes.add(Surprise(path, "", _kind(value)))
                return None, value
            kept, same, whole = [], True, True
            for item in value:
                if item is None or type(item) is plain:
                    kept.append(item)
                    continue
                part, left = item_fit(item)
                same = same and part is item
                whole = whole and left is None
                if part is not None:
                    kept.append(part)
            if same and whole:
                return value, None
            return kept, None if whole else value

        return fit

    def _leaf(self, node: Leaf, path: str) -> Fit:
        convert = _CONVERT[node.type]
        notes = self._notes

        def fit(value: Any) -> tuple[Any, Any]:
            part, whole = convert(value)
            if not whole:
                notes.add(Surprise(path, "", _kind(value)))
                return part, value
            return part, None

        return fit


def _parted(
    value: dict[str, Any],
    unsure: list[tuple[str, Any]],
    fit_member: Callable[[str, Any], tuple[Any, Any]],
) -> tuple[Any, Any]:
    """The fit of an object of which only the members in `unsure` may not fit."""
    kept = value
    rest: dict[str, Any] = {}
    for name, item in unsure:
        part, left = fit_member(name, item)
        if part is item and part is not None and left is None:
            continue
        if kept is value:
            kept = dict(value)
        if part is None:
            del kept[name]
        else:
            kept[name] = part
        if left is not None and left != {}:
            rest[name] = left
    return kept, rest or None


def _text(value: Any) -> tuple[Any, bool]:
    if type(value) is not str:
        return None, False
    fits = value.isascii() or value.encode("utf-8", "replace").decode() == value
    return (value, True) if fits else (None, False)


def _boolean(value: Any) -> tuple[Any, bool]:
    return (value, True) if type(value) is bool else (None, False)


def _integer(bits: int) -> Callable[[Any], tuple[Any, bool]]:
    top = 1 << (bits - 1)

    def convert(value: Any) -> tuple[Any, bool]:
        return (value, True) if type(value) is int and -top <= value < top else (None, False)

    return convert


def _double(value: Any) -> tuple[Any, bool]:
    if type(value) is float:
        return value, True
    if type(value) is not int or value.bit_length() > 1000 or float(value) != value:
        return None, False
    return float(value), True


def _time(value: Any) -> tuple[Any, bool]:
    if type(value) is not str:
        return None, False
    return (value, True) if is_strict(value) else (odd_time(value), False)


_CONVERT: dict[pa.DataType, Callable[[Any], tuple[Any, bool]]] = {
    pa.string(): _text,
    pa.bool_(): _boolean,
    pa.int32(): _integer(32),
    pa.int64(): _integer(64),
    pa.float64(): _double,
    TIME: _time,
}
"""What a column of the type takes of a value, and whether that is all of it."""


def _key_text(value: Any) -> tuple[Any, Any]:
    """An id that no text column can hold is stored with its lone surrogates escaped."""
    if type(value) is not str or _text(value)[1]:
        return (value, None) if type(value) is str else (None, value)
    return value.encode("utf-8", "backslashreplace").decode(), value


def _kind(value: Any) -> str:
    """JSON's name of the value's type."""
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", str: "string", int: "number", float: "number"}
    return "null" if value is None else names.get(type(value), "value")
