"""The emulator's events against the declarations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs.api import Api
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.metadata import graph_metadata
from include.entra_logs.normalise import rebuild_event
from include.graph_emulator.catalogue import collection_at
from include.graph_emulator.process import Emulator, start_emulator
from tests.contract.example_events import example_events
from tests.contract.test_catalogue import scalars, shape
from tests.unit.normalise.events import page_of, run

DAYS = {"sign_ins": 1, "directory_audits": 2, "risk_detections": 5}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """An emulator whose clock stands still."""
    with start_emulator(now="2026-11-20T12:00:00Z", speed=0) as running:
        yield running


def sent(emulator: Emulator, api: Api) -> list[dict[str, Any]]:
    """What the emulator has of the API in some days.

    Examples are added to a collection that generates nothing, and on beta, of which the emulator
    generates a part.
    """
    version = api.table.version
    collection = collection_at(version, api.path)
    assert collection, f"no collection {version}/{api.path} in include/graph_emulator/catalogue"
    if version == "beta" or not collection.generates:
        emulator.add_events(collection.name, example_events(api, collection, "2026-11-18"))
    start = f"2026-11-{19 - DAYS.get(api.name, 1)}T00:00:00Z"
    return emulator.truth(
        collection.name, start, "2026-11-19T00:00:00Z", events=True, where=api.where,
        version=version,
    ).events  # fmt: skip


def values(event: Any, path: str) -> Iterator[Any]:
    """What an event has at a property's path, items of lists one by one."""
    head, _, rest = path.partition(".")
    found = event.get(head.removesuffix("[]")) if isinstance(event, dict) else None
    for item in found if isinstance(found, list) else [found]:
        if rest:
            yield from values(item, rest)
        elif item not in (None, ""):
            yield item


@pytest.mark.parametrize("api", CATALOGUE.values(), ids=lambda api: api.name)
def test_every_property_has_an_example_from_the_emulator(
    emulator: Emulator, api: Api, tmp_path: Path
) -> None:
    """Each declared property has a value in some event, and all events go through normalise."""
    events = sent(emulator, api)
    metadata = graph_metadata(api.table.version)
    for path, prop in scalars(api, api.table.entity):
        found = {value for event in events for value in values(event, path)}
        assert found, f"no example of {path}"
        if members := metadata.enums.get(prop.edm_type):
            assert found <= set(members), path

    pages = [page_of(events[at : at + 500]) for at in range(0, len(events), 500)]
    done, rows = run(api, pages, tmp_path)
    assert (done.distinct, done.rejects) == (len(events), 0)
    by_id = {event["id"]: event for event in events}
    for row in rows[::50]:
        assert shape(rebuild_event(row, api.table)) == shape(by_id[row["id"]])


@pytest.mark.parametrize("api", CATALOGUE.values(), ids=lambda api: api.name)
def test_the_emulator_asks_what_the_declaration_says(api: Api) -> None:
    """Permission, page size, licence and times are the same in both declarations."""
    collection = collection_at(api.table.version, api.path)
    assert collection
    assert collection.permission == api.permission
    assert collection.max_top == api.page_size
    assert collection.needs_licence == (api.licence is not None)
    assert {api.table.event_time, api.table.updated_time} - {None} <= set(collection.times)
