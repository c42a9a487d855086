"""The columns of every table, from Graph's own metadata.

An object's properties become columns named by their path in snake_case joined by `_`; a list of
objects becomes a list of structs. Enums are strings, since new members appear unannounced.
"""

import re
from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from include.entra_logs.metadata import Metadata, Property, graph_metadata
from include.entra_logs.table import Table

TIME = pa.timestamp("us", "UTC")
FIRST_SEEN_AT = "_first_seen_at"
CHANGED_AT = "_changed_at"
EXTRA = "_extra"
ADDED = (pa.field(FIRST_SEEN_AT, TIME), pa.field(CHANGED_AT, TIME), pa.field(EXTRA, pa.string()))
"""What every table has beside Graph's own properties, at its end."""

SCALARS = {
    "Edm.Boolean": pa.bool_(),
    "Edm.DateTimeOffset": TIME,
    "Edm.Double": pa.float64(),
    "Edm.Single": pa.float64(),
    "Edm.Int16": pa.int32(),
    "Edm.Int32": pa.int32(),
    "Edm.Int64": pa.int64(),
    **dict.fromkeys(
        ("Edm.String", "Edm.Guid", "Edm.Date", "Edm.TimeOfDay", "Edm.Duration", "Edm.Binary"),
        pa.string(),
    ),
}
"""Arrow's type of each of Graph's scalar types; enums are strings."""


@dataclass(frozen=True)
class Column:
    """One declared column of a table."""

    name: str
    path: tuple[str, ...]
    """Where Graph has it in an event, e.g. `("status", "errorCode")`."""
    type: pa.DataType
    property: Property


def snake_case(name: str) -> str:
    """`riskEventTypes_v2` → `risk_event_types_v2`, `iPAddress` → `i_p_address`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def column_name(path: str) -> str:
    """The column of a property's path, its parts joined by `.`: `status.errorCode` and the like."""
    return "_".join(snake_case(part) for part in path.split("."))


@cache
def columns(table: Table) -> tuple[Column, ...]:
    """The declared columns of the API's table in the metadata's order; names are unique.

    Raises ValueError naming the property that cannot have a column.
    """
    found = tuple(flattened(graph_metadata(table.version), table.entity))
    names = [column.name for column in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{table.entity}: two properties would share the columns {twice}")
    return found


@cache
def table_schema(table: Table) -> pa.Schema:
    """The Arrow schema of the API's table: the declared columns, then `ADDED`; all nullable."""
    return pa.schema([(column.name, column.type) for column in columns(table)] + list(ADDED))


def flattened(metadata: Metadata, type_name: str, path: tuple[str, ...] = ()) -> list[Column]:
    """The columns of an object type at `path`; objects in it are flattened, lists are not.

    A list of objects without declared properties has no column: what it holds goes to `_extra`.
    """
    found = []
    for prop in metadata.properties(type_name):
        here = (*path, prop.name)
        if prop.edm_type in metadata.types and not prop.collection:
            if len(here) > 8:
                raise ValueError(f"{'.'.join(here)}: a type that contains itself has no columns")
            found += flattened(metadata, prop.edm_type, here)
            continue
        if _undeclared_items(metadata, prop):
            continue
        item = _item_type(metadata, prop)
        column = column_name(".".join(here))
        found.append(Column(column, here, pa.list_(item) if prop.collection else item, prop))
    return found


def _undeclared_items(metadata: Metadata, prop: Property) -> bool:
    """Whether the property is a list of objects of which no property is declared."""
    return (
        prop.collection
        and prop.edm_type in metadata.types
        and not flattened(metadata, prop.edm_type)
    )


def _item_type(metadata: Metadata, prop: Property) -> pa.DataType:
    """The Arrow type of one value of the property, of one item if it is a collection."""
    if prop.edm_type in metadata.types:
        return pa.struct([(c.name, c.type) for c in flattened(metadata, prop.edm_type)])
    if prop.edm_type in metadata.enums:
        return pa.string()
    if prop.edm_type in SCALARS:
        return SCALARS[prop.edm_type]
    raise ValueError(f"{prop.owner}.{prop.name}: no column type for {prop.edm_type}")


@dataclass(frozen=True, eq=False)
class Leaf:
    """A scalar."""

    type: pa.DataType

    @property
    def json(self) -> pa.DataType:
        """What the JSON reader makes of it: times are read as text first."""
        return pa.string() if self.type == TIME else self.type


@dataclass(frozen=True, eq=False)
class Many:
    """A list."""

    item: "Leaf | Group"

    @property
    def json(self) -> pa.DataType:
        """What the JSON reader makes of it."""
        return pa.list_(self.item.json)


@dataclass(frozen=True, eq=False)
class Group:
    """An object: its properties by the names that Graph gives them."""

    members: "dict[str, Leaf | Many | Group]"

    @property
    def json(self) -> pa.DataType:
        """What the JSON reader makes of it."""
        return pa.struct([(name, node.json) for name, node in self.members.items()])

    def columns(self, path: str = "") -> "list[tuple[str, Leaf | Many]]":
        """Its columns with their names, groups in it flattened, in the order of the schema."""
        found: list[tuple[str, Leaf | Many]] = []
        for name, node in self.members.items():
            here = f"{path}.{name}" if path else name
            if isinstance(node, Group):
                found += node.columns(here)
            else:
                found.append((column_name(here), node))
        return found


Node = Leaf | Many | Group


@cache
def event_shape(table: Table) -> Group:
    """The shape of the API's events."""
    return _group(graph_metadata(table.version), table.entity)


def _group(metadata: Metadata, type_name: str) -> Group:
    members: dict[str, Leaf | Many | Group] = {}
    for prop in metadata.properties(type_name):
        if _undeclared_items(metadata, prop):
            continue
        node: Leaf | Group
        if prop.edm_type in metadata.types:
            node = _group(metadata, prop.edm_type)
        else:
            node = Leaf(SCALARS.get(prop.edm_type, pa.string()))
        members[prop.name] = Many(node) if prop.collection else node
    return Group(members)
