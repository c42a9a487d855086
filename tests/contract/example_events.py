"""Events of an API made from its declaration alone: the metadata's examples, the sample pages.

For an emulator whose collection generates none, so that a new API needs no generator.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from include.entra_logs.api import Api
from include.entra_logs.metadata import Metadata, Property, graph_metadata
from include.graph_emulator.collection import Collection

SAMPLES = Path(__file__).with_name("samples")
PARSED = {"Edm.Boolean", "Edm.Int16", "Edm.Int32", "Edm.Int64", "Edm.Single", "Edm.Double"}
"""Types whose examples are JSON as they stand; all others are text."""


def example_events(api: Api, collection: Collection, day: str) -> list[dict[str, Any]]:
    """Events of `day` with ids of their own.

    For each of the collection's kinds one that has every declared property, then the sample's.
    """
    found = []
    for kind in collection.kinds:
        event = _object(graph_metadata(api.table.version), api.table.entity)
        if collection.kind_property:
            event[collection.kind_property] = [kind]
        found.append(event)
    found += samples(api)
    times = [name for name in (api.table.event_time, api.table.updated_time) if name]
    return [
        event | {"id": f"{api.name}-{n}"} | dict.fromkeys(times, f"{day}T08:{n:02d}:00.1234567Z")
        for n, event in enumerate(found)
    ]


def samples(api: Api) -> Iterator[dict[str, Any]]:
    """The events of the API's sample pages."""
    for page in sorted(SAMPLES.glob(f"{api.name}.*.json")):
        yield from json.loads(page.read_bytes())["value"]


def _object(metadata: Metadata, type_name: str) -> dict[str, Any]:
    """An object with an example of each property; every list has one item."""
    return {prop.name: _value(metadata, prop) for prop in metadata.properties(type_name)}


def _value(metadata: Metadata, prop: Property) -> Any:
    if metadata.is_object(prop.edm_type):
        value: Any = _object(metadata, prop.edm_type)
    else:
        value = json.loads(prop.example) if prop.edm_type in PARSED else prop.example
    return [value] if prop.collection else value
