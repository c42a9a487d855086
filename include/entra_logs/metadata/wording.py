"""What the data dictionary says of a property for which a file of metadata has no words."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from include.entra_logs.metadata import Metadata, Property

NO_MEANING = "Microsoft's metadata has no description of this property."
GENERIC = {
    "Edm.Boolean": "true",
    "Edm.DateTimeOffset": "2026-11-22T08:15:41.6195833Z",
    "Edm.Date": "2026-11-22",
    "Edm.TimeOfDay": "08:15:41",
    "Edm.Duration": "PT1H30M",
    "Edm.Double": "12.5",
    "Edm.Single": "12.5",
    "Edm.Int16": "42",
    "Edm.Int32": "42",
    "Edm.Int64": "4200000000",
    "Edm.Guid": "66ea54eb-6301-4ee5-be62-ff5a759b0100",
    "Edm.Binary": "RW50cmEgTGFrZQ==",
    "Edm.String": "example",
}
"""An example of each scalar type, for properties of which nobody has one."""
VAGUE = {"none", "unknownFutureValue", "hidden", "unknown"}
PLACEHOLDER = re.compile(r"\{.*\}|<.*>|\s*")
"""What documentation writes instead of a value."""

Seen = dict[tuple[str, str], str]
"""(type, property) -> an example."""


def worded(newer: Metadata, others: Iterable[Metadata], seen: Seen) -> Metadata:
    """`newer` with an example of each scalar property and a meaning of every property.

    An example is what a sample page has (`seen`), what a property of the same name and type has in
    one of `others`, or one of its type's. A meaning is the one that `newer` has, or that the same
    type's property has in one of `others`; else `NO_MEANING`.
    """
    known = [prop for other in others for props in other.types.values() for prop in props]
    meanings = {(prop.owner, prop.name): prop.meaning for prop in known[::-1] if prop.meaning}
    alike = {(prop.name, prop.edm_type): prop.example for prop in known[::-1] if prop.example}
    own = {(prop.owner, prop.name): prop.example for prop in known[::-1] if prop.example}

    def words(prop: Property) -> Property:
        key = (prop.owner, prop.name)
        example = prop.example or seen.get(key) or own.get(key)
        example = example or alike.get((prop.name, prop.edm_type)) or _generic(newer, prop)
        return replace(
            prop,
            meaning=prop.meaning or meanings.get(key, NO_MEANING),
            example="" if newer.is_object(prop.edm_type) else example,
        )

    types = {name: tuple(map(words, props)) for name, props in newer.types.items()}
    return Metadata(types, newer.enums, newer.version)


def _generic(metadata: Metadata, prop: Property) -> str:
    if members := metadata.enums.get(prop.edm_type):
        return next((member for member in members if member not in VAGUE), members[0])
    return GENERIC.get(prop.edm_type, "")


def sample_examples(page: Path, metadata: Metadata, type_name: str) -> Seen:
    """The first value that a page of Graph's answer has of each property of the type.

    ValueError if the file is no JSON with events: an object with `value`, a list, or one event.
    """
    try:
        body = json.loads(page.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{page} cannot be read: {error}") from error
    events = body.get("value", body) if isinstance(body, dict) else body
    seen: Seen = {}
    for event in events if isinstance(events, list) else [events]:
        if not isinstance(event, dict):
            raise ValueError(f"{page} is no answer of Graph: an event in it is no object")  # noqa: TRY004 - one kind of error for every unusable file
        for key, text in _values(event, metadata, type_name):
            seen.setdefault(key, text)
    return seen


def _values(
    event: dict[str, Any], metadata: Metadata, type_name: str
) -> Iterator[tuple[tuple[str, str], str]]:
    for prop in metadata.properties(type_name):
        found = event.get(prop.name)
        for value in found if isinstance(found, list) else [found]:
            if isinstance(value, dict) and metadata.is_object(prop.edm_type):
                yield from _values(value, metadata, prop.edm_type)
            elif isinstance(value, str | int | float):
                text = value if isinstance(value, str) else json.dumps(value)
                if not PLACEHOLDER.fullmatch(text):
                    yield (prop.owner, prop.name), text
