"""`$filter`: parsed by odata-query, checked against what each API supports, then evaluated."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from odata_query import ast, exceptions
from odata_query.grammar import ODataLexer, ODataParser

from include.graph_emulator import ticks
from include.graph_emulator.answers import Refusal
from include.graph_emulator.collection import Collection
from include.graph_emulator.ticks import NEVER

Event = dict[str, Any]
Test = Callable[[Event], bool]
_NO_DATE = (0, NEVER - 1)


@dataclass(frozen=True)
class Filter:
    """A checked `$filter`."""

    low: int
    high: int
    """Bounds of the event time in ticks, both included, that every match lies within."""
    exact: bool
    """True if the bounds say it all, so that no event needs to be looked at."""
    test: Test
    kinds: tuple[str, ...] = ()
    """`signInEventTypes` that were asked for."""
    spans: tuple[tuple[str, int, int], ...] = ()
    """Bounds of other times: (property, low, high)."""
    nothing: bool = False


def invalid() -> Refusal:
    """What Graph says to a filter that it does not like (observed)."""
    return Refusal(400, "BadRequest", "Invalid filter clause")


EVERYTHING = Filter(*_NO_DATE, exact=True, test=lambda _: True)


@lru_cache(maxsize=512)
def parse(text: str, collection: Collection, gt_lt: str) -> Filter:
    """The filter that `text` means for `collection`; Refusal 400 if Graph would refuse it."""
    try:
        tree = ODataParser().parse(ODataLexer().tokenize(text))
    except exceptions.ODataException as error:
        raise invalid() from error
    return _Reader(collection, gt_lt).read(tree)


_TURNED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}


class _Reader:
    """Turns one tree into a Filter."""

    def __init__(self, collection: Collection, gt_lt: str) -> None:
        self.collection, self.gt_lt = collection, gt_lt
        self.bounds: dict[str, tuple[int, int]] = {}
        self.kinds: list[str] = []
        self.nothing = False

    def read(self, tree: Any) -> Filter:
        exact = self._narrow(tree)
        test = self._test(tree)
        low, high = self.bounds.pop(self.collection.event_time, _NO_DATE)
        return Filter(
            low, high, exact and not self.bounds and not self.nothing, test, tuple(self.kinds),
            tuple((name, *span) for name, span in self.bounds.items()), self.nothing,
        )  # fmt: skip

    def _narrow(self, tree: Any) -> bool:
        """Collect bounds of times that hold for every match; True if they say it all."""
        if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
            left, right = self._narrow(tree.left), self._narrow(tree.right)
            return left and right
        if not isinstance(tree, ast.Compare):
            return False
        name, comparator, literal = self._sides(tree)
        if name not in self.collection.times or not isinstance(literal, (ast.Date, ast.DateTime)):
            return False
        low, high = self.bounds.get(name, _NO_DATE)
        new_low, new_high = self._span(comparator, ticks.from_text(literal.val))
        self.bounds[name] = (max(low, new_low), min(high, new_high))
        return name == self.collection.event_time

    def _span(self, comparator: Any, at: int) -> tuple[int, int]:
        """The times that a comparison allows.

        riskDetections: gt and lt return rows equal to the bound (observed). Audit logs: gt and lt
        are not documented; seen working, and seen ignored.
        """
        if isinstance(comparator, (ast.Gt, ast.Lt)) and not self.collection.inclusive_gt:
            if self.gt_lt == "ignored":
                return _NO_DATE
            at = at + 1 if isinstance(comparator, ast.Gt) else at - 1
        if isinstance(comparator, ast.Eq):
            return at, at
        if isinstance(comparator, (ast.Gt, ast.GtE)):
            return at, _NO_DATE[1]
        if isinstance(comparator, (ast.Lt, ast.LtE)):
            return 0, at
        raise invalid()

    def _sides(self, tree: Any) -> tuple[str, Any, Any]:
        """(property, comparator, literal), whichever way round it was written."""
        left, right, comparator = tree.left, tree.right, tree.comparator
        if isinstance(left, ast._Literal):  # noqa: SLF001  the library's only name for literals
            left, right = right, left
            comparator = _TURNED.get(type(comparator), lambda: comparator)()
        return _path(left), comparator, right

    def _test(self, tree: Any) -> Test:
        if isinstance(tree, ast.BoolOp):
            first, second = self._test(tree.left), self._test(tree.right)
            if isinstance(tree.op, ast.And):
                return lambda event: first(event) and second(event)
            return lambda event: first(event) or second(event)
        if isinstance(tree, ast.UnaryOp) and self.collection.any_operator:
            inner = self._test(tree.operand)
            return lambda event: not inner(event)
        if isinstance(tree, ast.Compare):
            return self._compare(tree)
        if isinstance(tree, ast.Call) and tree.func.name.lower() in ("startswith", "contains"):
            return self._text(tree)
        if isinstance(tree, ast.CollectionLambda) and isinstance(tree.operator, ast.Any):
            return self._any(tree)
        raise invalid()

    def _compare(self, tree: Any) -> Test:
        name, comparator, literal = self._sides(tree)
        self._allow(name, "eq" if isinstance(comparator, ast.Eq) else "order")
        if name in self.collection.times:
            return self._compare_time(name, comparator, literal)
        if isinstance(comparator, ast.NotEq) and self.collection.any_operator:
            return lambda event: _value(event, name) != literal.val
        if not isinstance(comparator, ast.Eq):
            raise invalid()
        wanted = literal.py_val
        wanted = str(wanted) if isinstance(literal, ast.GUID) else wanted
        return lambda event: bool(_value(event, name) == wanted)

    def _compare_time(self, name: str, comparator: Any, literal: Any) -> Test:
        if isinstance(literal, ast.String):
            # a quoted time: 400 on audit logs, 200 with an empty list on riskDetections (observed)
            if not self.collection.inclusive_gt:
                raise invalid()
            self.nothing = True
            return lambda _: False
        if not isinstance(literal, (ast.Date, ast.DateTime)):
            raise invalid()
        low, high = self._span(comparator, ticks.from_text(literal.val))

        def within(event: Event) -> bool:
            value = _value(event, name)
            return value is not None and low <= ticks.from_text(value) <= high

        return within

    def _text(self, tree: Any) -> Test:
        call, (owner, literal) = tree.func.name.lower(), tree.args
        name = _path(owner)
        self._allow(name, call)
        wanted = str(literal.val).lower()
        if call == "startswith":
            return lambda event: str(_value(event, name) or "").lower().startswith(wanted)
        return lambda event: wanted in str(_value(event, name) or "").lower()

    def _any(self, tree: Any) -> Test:
        """`property/any(t: t eq 'x')`, also with a path or a call inside."""
        owner = _path(tree.owner)
        self._allow(owner, "any")
        variable, inner = tree.lambda_.identifier.name, tree.lambda_.expression
        if owner == self.collection.kind_property:
            self.kinds += [str(value.val) for value in _literals(inner)]
        return _any_test(owner, variable, inner)

    def _allow(self, name: str, operator: str) -> None:
        if not self.collection.allows(name, operator):
            raise invalid()


def _any_test(owner: str, variable: str, inner: Any) -> Test:
    if isinstance(inner, ast.BoolOp):
        first = _any_test(owner, variable, inner.left)
        second = _any_test(owner, variable, inner.right)
        if isinstance(inner.op, ast.Or):
            return lambda event: first(event) or second(event)
        return lambda event: first(event) and second(event)
    if isinstance(inner, ast.Compare) and isinstance(inner.comparator, ast.Eq):
        path, literal, starts = _path(inner.left), inner.right, False
    elif isinstance(inner, ast.Call) and inner.func.name.lower() == "startswith":
        path, literal, starts = _path(inner.args[0]), inner.args[1], True
    else:
        raise invalid()
    rest = path.removeprefix(variable).removeprefix("/")
    wanted = str(literal.val)

    def test(event: Event) -> bool:
        values = [_value(item, rest) if rest else item for item in _value(event, owner) or []]
        if starts:
            return any(str(value or "").startswith(wanted) for value in values)
        return wanted in values

    return test


def _literals(tree: Any) -> list[Any]:
    if isinstance(tree, ast.BoolOp):
        return _literals(tree.left) + _literals(tree.right)
    return [tree.right] if isinstance(tree, ast.Compare) else []


def _path(tree: Any) -> str:
    """A property's path with slashes."""
    if isinstance(tree, ast.Identifier):
        return str(tree.name)
    if isinstance(tree, ast.Attribute):
        return f"{_path(tree.owner)}/{tree.attr}"
    raise invalid()


def _value(event: Any, path: str) -> Any:
    for name in path.split("/"):
        event = event.get(name) if isinstance(event, dict) else None
    return event
