"""`python -m include.entra_logs.metadata.take [TYPE …] --from FILE`: new types and properties.

Takes each TYPE and every type that it reaches into the project's CSV; without a TYPE all that the
catalogue declares and the CSV knows. FILE is Graph's metadata document
(`https://graph.microsoft.com/beta/$metadata`), a CSV as those beside this module, or a list of
properties (see `listing`). Nothing is ever removed or retyped, since columns are only added. What
FILE retyped does not fit its old column any more and lands in `_extra`.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from include.entra_logs.catalogue import TABLES
from include.entra_logs.metadata import Metadata, csv_path, read_csv, write_csv
from include.entra_logs.metadata.compare import differences
from include.entra_logs.metadata.files import read_file, undescribed
from include.entra_logs.metadata.wording import Seen, sample_examples, worded

VERSIONS = ("v1.0", "beta")


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
    return Metadata(types, enums, known.version)


def own_metadata(version: str) -> Metadata:
    """What the project's CSV of that version has now, read anew."""
    path = csv_path(version)
    return read_csv(path, version) if path.exists() else Metadata(version=version)


def take(
    asked: Sequence[str], version: str, file: Path, sample: Path | None = None
) -> Iterator[str]:
    """Take the types in; one line for each property that is new, and for each that is unclear.

    ValueError says in one sentence what is wrong with one of the files; then nothing is taken.
    """
    known = own_metadata(version)
    declared = [table.entity for table in TABLES.values() if table.version == version]
    roots = asked or [*dict.fromkeys([*declared, *known.types])]
    newer = read_file(file, roots, known)
    if missing := [name for name in asked if name not in newer.types]:
        raise ValueError(f"{file} declares no type {', '.join(missing)} of Graph {version}")
    unclear = undescribed(newer, known)
    newer = Metadata(newer.types | dict.fromkeys(unclear, ()), newer.enums, version)
    seen: Seen = {}
    if sample:
        seen = sample_examples(sample, added(known, newer), asked[0])
    others = [known, *(own_metadata(other) for other in VERSIONS if other != version)]
    joined = added(known, worded(newer, others, seen))
    write_csv(joined, csv_path(version))
    yield from differences(known, joined)
    for name in unclear:
        yield f"? {name}: the file does not describe it; what it holds goes to _extra"


def main(arguments: Sequence[str]) -> int:
    """Print what was taken; 1 with one sentence if a file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("types", nargs="*", metavar="TYPE", help="e.g. riskDetection")
    parser.add_argument("--from", type=Path, required=True, metavar="FILE", dest="file")
    parser.add_argument("--version", choices=VERSIONS, default="v1.0", help="version of Graph")
    parser.add_argument("--sample", type=Path, metavar="PAGE", help="an answer, for examples")
    asked = parser.parse_args(arguments)
    if asked.sample and len(asked.types) != 1:
        parser.error("--sample is a page of one TYPE: name it")
    try:
        lines = list(take(asked.types, asked.version, asked.file, asked.sample))
    except ValueError as error:
        sys.stderr.write(f"{error}.\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in lines or ["nothing new"])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
