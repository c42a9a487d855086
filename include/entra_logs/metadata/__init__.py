"""Graph's own declaration of the events: types, properties, enums, from its metadata.

`v1.0.csv` and `beta.csv` beside this file are the single truth for the tables' columns, the data
dictionary and the emulator's data. Their origin and licence: `README.md`. Standard library only.

compare      the command: what a newer file changes   take         the command: what is new
files        the forms of a file that are read        csdl         Microsoft's document
listing      a list of properties, as CSV             wording      examples and meanings
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FIELDS = tuple(
    "kind type property edm_type collection nullable members example meaning".split()  # noqa: SIM905 - shorter
)
"""The columns of a metadata CSV."""


@dataclass(frozen=True)
class Property:
    """One property of an entity or complex type, as Graph's metadata declares it."""

    owner: str
    """Short name of the type that has it, e.g. `signIn`."""
    name: str
    """As Graph spells it, e.g. `riskEventTypes_v2`."""
    edm_type: str
    """`Edm.String`, `Edm.Int32`, …, or the short name of a complex or enum type."""
    collection: bool = False
    nullable: bool = True
    meaning: str = ""
    example: str = ""
    """One value of a scalar, one item of a list of scalars; empty for objects."""


@dataclass(frozen=True)
class Metadata:
    """The types of one version of Graph: properties of each object type, members of each enum."""

    types: dict[str, tuple[Property, ...]] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    version: str = "v1.0"

    def properties(self, type_name: str) -> tuple[Property, ...]:
        """What an object of the type holds, inherited members first.

        ValueError names the type that is not known, and the command that brings it.
        """
        if type_name not in self.types:
            raise ValueError(
                f"the metadata of Graph {self.version} has no type {type_name}: take it in with "
                f"`python -m include.entra_logs.metadata.take {type_name} --version {self.version} "
                "--from FILE`"
            )
        return self.types[type_name]

    def is_object(self, edm_type: str) -> bool:
        """Whether a value of the type is a JSON object."""
        return edm_type in self.types

    def reachable(self, type_name: str) -> Iterator[str]:
        """The type itself and every object and enum type below it, once each, in order."""
        seen: dict[str, None] = {}
        waiting = [type_name]
        while waiting:
            name = waiting.pop()
            if name in seen or not (name in self.types or name in self.enums):
                continue
            seen[name] = None
            waiting.extend(prop.edm_type for prop in reversed(self.types.get(name, ())))
        yield from seen


def read_rows(rows: Iterable[dict[str, str]], version: str = "v1.0") -> Metadata:
    """The metadata in rows that have `FIELDS`; a type without properties has a row without one."""
    types: dict[str, list[Property]] = {}
    enums: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if row["kind"] == "enum":
            enums[row["type"]] = tuple(row["members"].split("|"))
            continue
        found = types.setdefault(row["type"], [])
        if row["property"]:
            found.append(_property(row))
    return Metadata({name: tuple(found) for name, found in types.items()}, enums, version)


def _property(row: dict[str, str]) -> Property:
    return Property(
        owner=row["type"],
        name=row["property"],
        edm_type=row["edm_type"],
        collection=row["collection"] == "true",
        nullable=row["nullable"] == "true",
        meaning=row["meaning"],
        example=row["example"],
    )


def write_rows(metadata: Metadata) -> Iterator[dict[str, str]]:
    """The rows of `metadata`, such that `read_rows` gives it back."""
    empty = dict.fromkeys(FIELDS, "")
    for name, found in metadata.types.items():
        if not found:
            yield empty | {"kind": "object", "type": name}
        for prop in found:
            yield empty | {
                "kind": "object",
                "type": name,
                "property": prop.name,
                "edm_type": prop.edm_type,
                "collection": str(prop.collection).lower(),
                "nullable": str(prop.nullable).lower(),
                "example": prop.example,
                "meaning": prop.meaning,
            }
    for name, members in metadata.enums.items():
        yield empty | {"kind": "enum", "type": name, "members": "|".join(members)}


def read_csv(path: Path, version: str = "v1.0") -> Metadata:
    """The metadata in the CSV file at `path`."""
    with path.open(newline="", encoding="utf-8") as file:
        return read_rows(csv.DictReader(file), version)


def write_csv(metadata: Metadata, path: Path) -> None:
    """Write `metadata` to the CSV file at `path`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(write_rows(metadata))


def csv_path(version: str) -> Path:
    """The project's own CSV of one version of Graph, e.g. `v1.0`."""
    return Path(__file__).with_name(f"{version}.csv")


@cache
def graph_metadata(version: str = "v1.0") -> Metadata:
    """The project's own copy of the metadata of one version of Graph, empty if there is none."""
    path = csv_path(version)
    return read_csv(path, version) if path.exists() else Metadata(version=version)
