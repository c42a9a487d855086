"""The emulator's events against the declarations."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs.api import Api, Window
from include.entra_logs.metadata import graph_metadata
from include.entra_logs.normalise import rebuild_event
from include.graph_emulator.catalogue import collection_at
from include.graph_emulator.collection import Collection
from include.graph_emulator.process import Emulator, start_emulator
from tests.contract.example_events import example_events
from tests.contract.test_catalogue import every_api, scalars, shape
from tests.kit.emulated import CALM, client, found
from tests.kit.events import page_of, run
from tests.kit.memory_store import MemoryStore

DAYS = {"sign_ins": 1, "directory_audits": 2, "risk_detections": 5}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """An emulator whose clock stands still."""
    with start_emulator(now="2026-11-20T12:00:00Z", speed=0, time_scale=1000.0) as running:
        yield running


def declared_in_the_emulator(api: Api) -> Collection:
    """The collection that the API asks."""
    version = api.table.version
    collection = collection_at(version, api.path)
    assert collection, f"no collection {version}/{api.path} in include/graph_emulator/catalogue"
    return collection


def fill(emulator: Emulator, api: Api) -> Collection:
    """Add examples where the emulator generates nothing, or a part, as on beta."""
    collection = declared_in_the_emulator(api)
    if api.table.version == "beta" or not collection.generates:
        emulator.add_events(collection.name, example_events(api, collection, "2026-11-18"))
    return collection


def sent(emulator: Emulator, api: Api) -> list[dict[str, Any]]:
    """What the emulator has of the API in some days."""
    collection, version = fill(emulator, api), api.table.version
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


@every_api
def test_every_property_has_an_example_from_the_emulator(
    emulator: Emulator, api: Api, tmp_path: Path
) -> None:
    """Each declared property has a value in some event, and all events go through normalise."""
    events = sent(emulator, api)
    metadata = graph_metadata(api.table.version)
    for path, prop in scalars(api, api.table.entity):
        seen = {value for event in events for value in values(event, path)}
        assert seen, f"no example of {path}"
        if members := metadata.enums.get(prop.edm_type):
            assert seen <= set(members), path

    pages = [page_of(events[at : at + 500]) for at in range(0, len(events), 500)]
    done, rows = run(api, pages, tmp_path)
    assert (done.distinct, done.rejects) == (len(events), 0)
    by_id = {event["id"]: event for event in events}
    for row in rows[::50]:
        assert shape(rebuild_event(row, api.table)) == shape(by_id[row["id"]])


@every_api
def test_a_read_as_declared_brings_the_truth(emulator: Emulator, api: Api) -> None:
    """Path, version, permission, clause, bounds: the client asks so that nothing is missing."""
    collection = fill(emulator, api)
    at = datetime(2026, 11, 18, 8, tzinfo=UTC)
    window = Window(at, at + timedelta(hours=2))
    store = MemoryStore()
    with client(emulator, CALM) as graph:
        graph.read(api, window, api.table.event_time, store)
    truth = emulator.truth(
        collection.name, window.start, window.end, where=api.where, version=api.table.version
    )
    assert found(store, api, window) == truth.ids
    assert truth.count > 0


@every_api
def test_both_declarations_say_the_same(api: Api) -> None:
    """Permission, page size, licence and times, here and in the emulator."""
    collection = declared_in_the_emulator(api)
    assert collection.permission == api.permission
    assert collection.max_top == api.page_size
    assert collection.needs_licence == (api.licence is not None)
    assert {api.table.event_time, api.table.updated_time} - {None} <= set(collection.times)
