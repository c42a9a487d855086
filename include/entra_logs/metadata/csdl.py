"""Graph's metadata document (CSDL XML, `https://graph.microsoft.com/v1.0/$metadata`) → Metadata."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from include.entra_logs.metadata import Metadata, Property

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
GRAPH = "microsoft.graph."
DESCRIPTION = "Org.OData.Core.V1.Description"


def read_csdl(path: Path, roots: Iterable[str]) -> Metadata:
    """The types named in `roots` and all that they reach; inherited members are written out.

    Types of the namespace `microsoft.graph` have short names, those of others their full ones.
    Navigation properties are left out: Graph does not send them unasked. A root that the document
    does not declare is left out.
    """
    root = ET.parse(path).getroot()  # noqa: S314 - a file that the operator chose
    document = _Document(dict(_types(root)), dict(_aliases(root)), dict(_meanings(root)))
    types: dict[str, tuple[Property, ...]] = {}
    enums: dict[str, tuple[str, ...]] = {}
    waiting = list(roots)[::-1]
    while waiting:
        name = waiting.pop()
        element = document.types.get(name)
        if element is None or name in types or name in enums:
            continue
        if element.tag == f"{EDM}EnumType":
            enums[name] = tuple(m.get("Name", "") for m in element.iter(f"{EDM}Member"))
            continue
        types[name] = tuple(document.properties(name, owner=name))
        waiting.extend(prop.edm_type for prop in types[name][::-1])
    return Metadata(types, enums)


def short_name(full: str) -> str:
    """`microsoft.graph.signIn` → `signIn`; a type of another namespace keeps its full name."""
    return full.removeprefix(GRAPH) if full.count(".") == GRAPH.count(".") else full


@dataclass(frozen=True)
class _Document:
    """A CSDL document, indexed by short type names."""

    types: dict[str, ET.Element]
    aliases: dict[str, str]
    meanings: dict[str, str]

    def short(self, name: str) -> str:
        """`graph.signIn` and `microsoft.graph.signIn` → `signIn`."""
        space, _, bare = name.rpartition(".")
        return short_name(f"{self.aliases.get(space, space)}.{bare}")

    def properties(self, name: str, owner: str) -> Iterator[Property]:
        """The type's properties, those of what it inherits from first."""
        element = self.types[name]
        if parent := element.get("BaseType"):
            yield from self.properties(self.short(parent), owner)
        for found in element.iterfind(f"{EDM}Property"):
            declared = found.get("Type", "")
            bare = re.sub(r"^Collection\((.*)\)$", r"\1", declared)
            yield Property(
                owner=owner,
                name=found.get("Name", ""),
                edm_type=bare if bare.startswith("Edm.") else self.short(bare),
                collection=bare != declared,
                nullable=found.get("Nullable") != "false",
                meaning=self.meanings.get(f"{name}/{found.get('Name')}", ""),
            )


def _types(root: ET.Element) -> Iterator[tuple[str, ET.Element]]:
    for schema in root.iter(f"{EDM}Schema"):
        space = schema.get("Namespace", "") + "."
        for kind in ("EntityType", "ComplexType", "EnumType"):
            for element in schema.iterfind(EDM + kind):
                full = space + element.get("Name", "")
                yield full.removeprefix(GRAPH) if space == GRAPH else full, element


def _aliases(root: ET.Element) -> Iterator[tuple[str, str]]:
    for schema in root.iter(f"{EDM}Schema"):
        if alias := schema.get("Alias"):
            yield alias, schema.get("Namespace", "")


def _meanings(root: ET.Element) -> Iterator[tuple[str, str]]:
    for target in root.iter(f"{EDM}Annotations"):
        for note in target.iterfind(f"{EDM}Annotation"):
            if note.get("Term") == DESCRIPTION:
                yield target.get("Target", "").removeprefix(GRAPH), note.get("String", "")
