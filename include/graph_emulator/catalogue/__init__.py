"""The collections that the emulator answers for: each `Collection` that a file here declares."""

import pkgutil
from importlib import import_module

from include.graph_emulator.collection import Collection

BY_NAME: dict[str, Collection] = {
    value.name: value
    for module in sorted(found.name for found in pkgutil.iter_modules(__path__))
    for value in vars(import_module(f"{__name__}.{module}")).values()
    if isinstance(value, Collection)
}


def collection_at(version: str, path: str) -> Collection | None:
    """The collection at a path of that version of Graph, None if there is none."""
    return next((found for found in BY_NAME.values() if found.at(version, path)), None)


def permissions() -> list[str]:
    """The application permissions that it takes to read every collection."""
    return sorted({collection.permission for collection in BY_NAME.values()})
