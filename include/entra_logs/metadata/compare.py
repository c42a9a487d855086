"""`python -m include.entra_logs.metadata.compare FILE`: what a newer metadata file changes.

FILE is Graph's metadata document (CSDL XML, `https://graph.microsoft.com/v1.0/$metadata`) or one of
the other forms that `files` reads. `take` takes what is new into the project's CSV.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from include.entra_logs.catalogue import TABLES
from include.entra_logs.metadata import Metadata, graph_metadata
from include.entra_logs.metadata.files import read_file


def differences(known: Metadata, newer: Metadata) -> Iterator[str]:
    """One line for each difference: `+` new, `-` gone (stays a column), `!` retyped (stays too)."""
    for name in sorted(known.types.keys() | newer.types.keys()):
        old = {prop.name: prop for prop in known.types.get(name, ())}
        new = {prop.name: prop for prop in newer.types.get(name, ())}
        for key in sorted(old.keys() | new.keys()):
            if key not in old:
                yield f"+ {name}.{key} {_shown(new[key].edm_type, many=new[key].collection)}"
            elif key not in new:
                yield f"- {name}.{key}: the column stays, empty from now on"
            elif _kind(old[key].edm_type, known) != _kind(new[key].edm_type, newer) or (
                old[key].collection != new[key].collection
            ):
                before = _shown(old[key].edm_type, many=old[key].collection)
                after = _shown(new[key].edm_type, many=new[key].collection)
                yield f"! {name}.{key} {before} -> {after}: the column stays, values go to _extra"
    for name in sorted(known.enums.keys() & newer.enums.keys()):
        for member in newer.enums[name]:
            if member not in known.enums[name]:
                yield f"+ {name} = {member}"


def _kind(edm_type: str, metadata: Metadata) -> str:
    """What decides the column: an enum is a string."""
    return "Edm.String" if edm_type in metadata.enums else edm_type


def _shown(edm_type: str, *, many: bool) -> str:
    return f"Collection({edm_type})" if many else edm_type


def main(arguments: Sequence[str]) -> int:
    """Print the differences; 0 if there are none, 1 if there are some or FILE cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--version", default="v1.0", help="version of Graph, default v1.0")
    asked = parser.parse_args(arguments)
    known = graph_metadata(asked.version)
    roots = [table.entity for table in TABLES.values() if table.version == asked.version]
    roots = [*dict.fromkeys([*roots, *known.types])]
    try:
        found = list(differences(known, read_file(asked.file, roots, known)))
    except ValueError as error:
        sys.stderr.write(f"{error}.\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in found or ["no difference"])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
