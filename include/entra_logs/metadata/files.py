"""A file with metadata of Graph, in any of the forms that are read → Metadata.

Microsoft's document (CSDL, `https://graph.microsoft.com/v1.0/$metadata`), a CSV as those beside
this module, or a list of properties (see `listing`).
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from include.entra_logs.metadata import FIELDS, Metadata, read_rows
from include.entra_logs.metadata.csdl import read_csdl
from include.entra_logs.metadata.listing import LISTING, read_listing


def read_file(path: Path, roots: Sequence[str], known: Metadata) -> Metadata:
    """The types named in `roots` and all that they reach, for the version of `known`.

    ValueError says in one sentence why the file cannot be read, or that it has none of `roots`.
    """
    try:
        found = _read(path, roots, known)
    except (OSError, UnicodeDecodeError, csv.Error, ET.ParseError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if roots and not found.types:
        raise ValueError(f"{path} declares no type {' or '.join(roots)} of Graph {known.version}")
    return found


def undescribed(found: Metadata, known: Metadata) -> list[str]:
    """The types that `found` names and neither it nor `known` describes."""
    described = {*found.types, *found.enums, *known.types, *known.enums}
    named = [prop.edm_type for props in found.types.values() for prop in props]
    return [name for name in dict.fromkeys(named) if not name.startswith("Edm.")
            and name not in described]  # fmt: skip


def _read(path: Path, roots: Sequence[str], known: Metadata) -> Metadata:
    text = path.read_text(encoding="utf-8-sig")
    if text.lstrip().startswith("<"):
        found = read_csdl(path, roots)
        return Metadata(found.types, found.enums, known.version)
    rows = csv.DictReader(text.splitlines(keepends=True))
    header = set(rows.fieldnames or ())
    if header >= set(LISTING):
        return read_listing(rows, roots, known)
    if header >= set(FIELDS):
        return _reached(read_rows(rows, known.version), roots)
    raise ValueError(f"{path} is neither Microsoft's CSDL document nor a CSV with a known header")


def _reached(metadata: Metadata, roots: Sequence[str]) -> Metadata:
    names = dict.fromkeys(name for root in roots for name in metadata.reachable(root))
    return Metadata(
        {name: metadata.types[name] for name in names if name in metadata.types},
        {name: metadata.enums[name] for name in names if name in metadata.enums},
        metadata.version,
    )
