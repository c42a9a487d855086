"""The fast path: bodies of pages that are just as declared → Arrow, by pyarrow's JSON reader."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from include.entra_logs.normalise.times import Unfit, to_times
from include.entra_logs.schema import TIME, Group, Leaf, Many

ENVELOPE = ("@odata.context", "@odata.nextLink", "@odata.deltaLink", "@microsoft.graph.tips")
"""What may stand beside `value` in a page: it is read and dropped."""
EXACT = 2.0**53
"""Integers up to here survive a double; larger ones are looked at one by one."""
ENOUGH = 1 << 20
"""Bytes that one thread of the reader should get at least."""


@dataclass(frozen=True)
class Columns:
    """Events of some pages as columns, in the order of the pages."""

    table: pa.Table
    events: list[int]
    """How many events each page holds."""


class DeclaredReader:
    """Reads pages of one shape of event."""

    def __init__(self, shape: Group) -> None:
        self._shape = shape
        self._names = [name for name, _ in shape.columns()]
        fields = [(name, pa.string()) for name in ENVELOPE]
        schema = pa.schema([("value", pa.list_(shape.json)), *fields])
        self._parse = {
            skip: pj.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="ignore" if skip else "error"
            )
            for skip in (False, True)
        }

    def read(
        self, bodies: Sequence[bytes], *, checked: bool = False, skip: bool = False
    ) -> Columns:
        """The events of all bodies; Unfit if anything in one is not as declared.

        `checked`: doubles were looked at already, so that large ones are meant. `skip`: pass over
        properties that are not declared; the caller has them.
        """
        lines = [b.replace(b"\n", b" ") if b"\n" in b else b for b in bodies]
        joined = b"\n".join(lines) if len(lines) > 1 else lines[0]
        try:
            _check_utf8(joined)
            pages = pj.read_json(
                pa.BufferReader(joined),
                read_options=pj.ReadOptions(block_size=max(ENOUGH, *map(len, lines)) + 2),
                parse_options=self._parse[skip],
            )["value"].combine_chunks()
        except pa.ArrowInvalid as error:
            raise Unfit("a page that is not as declared") from error
        if len(pages) != len(bodies) or pages.null_count:
            raise Unfit("a page without a list of events")
        arrays = list(_flat(pages.flatten(), self._shape, checked=checked))
        lengths = pc.list_value_length(pages).to_pylist()
        return Columns(pa.table(arrays, names=self._names), lengths)


def _check_utf8(text: bytes) -> None:
    """ArrowInvalid if `text` is not UTF-8, which pyarrow's JSON reader would not notice."""
    ends = pa.array([0, len(text)], pa.int64()).buffers()[1]
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(text)])
    whole.cast(pa.large_string())


def _flat(structs: pa.StructArray, shape: Group, *, checked: bool) -> list[pa.Array]:
    """The columns of an object, as flat as the schema has them."""
    found: list[pa.Array] = []
    for values, node in zip(structs.flatten(), shape.members.values(), strict=True):
        if isinstance(node, Group):
            found += _flat(values, node, checked=checked)
        else:
            found.append(_column(values, node, checked=checked))
    return found


def _column(values: pa.Array, node: Leaf | Many, *, checked: bool) -> pa.Array:
    if isinstance(node, Many):
        item = node.item
        if (
            isinstance(item, Leaf)
            and item.json == item.type
            and not pa.types.is_floating(item.type)
        ):
            return values
        inner = (
            _struct(values.values, item, checked=checked)
            if isinstance(item, Group)
            else _column(values.values, item, checked=checked)
        )
        return pa.ListArray.from_arrays(values.offsets, inner, mask=values.is_null())
    if node.type == TIME:
        return to_times(values)
    if pa.types.is_floating(node.type) and not checked:
        _exact(values)
    return values


def _struct(structs: pa.StructArray, shape: Group, *, checked: bool) -> pa.StructArray:
    """The items of a list of objects, with the names of columns."""
    names = [name for name, _ in shape.columns()]
    arrays = _flat(structs, shape, checked=checked)
    return pa.StructArray.from_arrays(arrays, names=names, mask=structs.is_null())


def _exact(values: pa.Array) -> None:
    """Unfit if a double is not finite or so large that digits of an integer may be lost."""
    if not pc.all(pc.less(pc.abs(values), EXACT), min_count=0).as_py():
        raise Unfit("a number that a double may not hold")
