"""How an event of an API is built: the tree that readers, the slow path and rebuilding walk."""

from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from include.entra_logs.api import Api
from include.entra_logs.metadata import Metadata, graph_metadata
from include.entra_logs.schema import SCALARS, TIME, column_name


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
def event_shape(api: Api) -> Group:
    """The shape of the API's events."""
    return _group(graph_metadata(api.version), api.entity)


def _group(metadata: Metadata, type_name: str) -> Group:
    members: dict[str, Leaf | Many | Group] = {}
    for prop in metadata.properties(type_name):
        node: Leaf | Group
        if prop.edm_type in metadata.types:
            node = _group(metadata, prop.edm_type)
        else:
            node = Leaf(SCALARS.get(prop.edm_type, pa.string()))
        members[prop.name] = Many(node) if prop.collection else node
    return Group(members)
