"""A list of Graph's types and properties as CSV → Metadata.

Its header is `LISTING`; types have their full names (`microsoft.graph.signIn`). A type may have a
row of its own, without property, whose `source` says `(base=…)`; an entity without one inherits
from `entity`. Rows whose source says `(navigation` are left out: Graph does not send them unasked.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from include.entra_logs.metadata import Metadata, Property
from include.entra_logs.metadata.csdl import short_name

LISTING = tuple(
    "version typeKind type property edmType collection nullable source enumMembers".split()  # noqa: SIM905 - shorter
)
"""The columns of such a file."""

ENTITY = "entity"
ID = Property(ENTITY, "id", "Edm.String", nullable=False, meaning="Unique id of the entity.")
"""What every entity inherits."""


@dataclass
class _Listing:
    """The rows of one version, by type."""

    known: Metadata
    """Where the types that the list leaves out are looked up."""
    own: dict[str, list[Property]] = field(default_factory=dict)
    bases: dict[str, str] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def properties(self, name: str) -> Iterator[Property]:
        """The type's properties, inherited ones first. ValueError names a base that is missing."""
        if name in self.bases:
            yield from (replace(prop, owner=name) for prop in self._inherited(name))
        yield from self.own[name]

    def _inherited(self, name: str) -> Iterable[Property]:
        base = self.bases[name]
        if base in self.own:
            return self.properties(base)
        if base == ENTITY:
            return [ID]
        if base in self.known.types:
            return self.known.types[base]
        raise ValueError(f"{name} inherits from {base}, which the list does not describe")


def read_listing(rows: Iterable[dict[str, str]], roots: Iterable[str], known: Metadata) -> Metadata:
    """The types named in `roots` and all that they reach, of the version of `known`.

    Inherited members are written out. What the list does not describe is left out.
    """
    listing = _Listing(known)
    for row in rows:
        if row["version"] == known.version:
            _take(listing, row)
    types: dict[str, tuple[Property, ...]] = {}
    enums: dict[str, tuple[str, ...]] = {}
    waiting = list(roots)[::-1]
    while waiting:
        name = waiting.pop()
        if name in listing.enums:
            enums[name] = listing.enums[name]
        elif name in listing.own and name not in types:
            types[name] = tuple(listing.properties(name))
            waiting.extend(prop.edm_type for prop in types[name][::-1])
    return Metadata(types, enums, known.version)


def _take(listing: _Listing, row: dict[str, str]) -> None:
    name = short_name(row["type"])
    if row["typeKind"] == "EnumType":
        members = (member.partition("=")[0] for member in row["enumMembers"].split("|"))
        listing.enums[name] = tuple(members)
        return
    found = listing.own.setdefault(name, [])
    if row["typeKind"] == "EntityType" and name != ENTITY:
        listing.bases.setdefault(name, ENTITY)
    if base := re.search(r"\(base=([\w.]+)\)", row["source"]):
        listing.bases[name] = short_name(base[1])
    if row["property"] and "(navigation" not in row["source"]:
        found.append(
            Property(
                owner=name,
                name=row["property"],
                edm_type=short_name(row["edmType"]),
                collection=row["collection"] == "True",
                nullable=row["nullable"] != "False",
            )
        )
