"""`python -m include.entra_logs.metadata.compare FILE [--add]`: what a newer metadata file changes.

FILE is Graph's metadata document (CSDL XML, `https://graph.microsoft.com/v1.0/$metadata`) or a CSV
as the one beside this module. `--add` takes new types, properties and enum members into the
project's CSV; nothing is ever removed or retyped, since columns are only added. What Graph retyped
does not fit its old column any more and lands in `_extra`.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.metadata import Metadata, csv_path, read_csv, write_csv
from include.entra_logs.metadata.csdl import read_csdl


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


def added(known: Metadata, newer: Metadata) -> Metadata:
    """`known` with the types, properties and enum members that only `newer` has, at the end."""
    types = dict(known.types)
    for name, found in newer.types.items():
        have = {prop.name for prop in types.get(name, ())}
        types[name] = types.get(name, ()) + tuple(p for p in found if p.name not in have)
    enums = dict(known.enums)
    for name, members in newer.enums.items():
        have = set(enums.get(name, ()))
        enums[name] = enums.get(name, ()) + tuple(m for m in members if m not in have)
    return Metadata(types, enums)


def _kind(edm_type: str, metadata: Metadata) -> str:
    """What decides the column: an enum is a string."""
    return "Edm.String" if edm_type in metadata.enums else edm_type


def _shown(edm_type: str, *, many: bool) -> str:
    return f"Collection({edm_type})" if many else edm_type


def main(arguments: Sequence[str]) -> int:
    """Print the differences; 0 if there are none or they were added, 1 if there are some."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--version", default="v1.0", help="version of Graph, default v1.0")
    parser.add_argument("--add", action="store_true", help="take what is new into the CSV")
    asked = parser.parse_args(arguments)
    roots = [api.table.entity for api in CATALOGUE.values() if api.table.version == asked.version]
    known = read_csv(csv_path(asked.version))
    newer = read_csv(asked.file) if asked.file.suffix == ".csv" else read_csdl(asked.file, roots)
    found = list(differences(known, newer))
    sys.stdout.writelines(f"{line}\n" for line in found or ["no difference"])
    if asked.add:
        write_csv(added(known, newer), csv_path(asked.version))
    return 1 if found and not asked.add else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
