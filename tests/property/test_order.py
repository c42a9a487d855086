"""The order of loads does not matter, not even for an event that changed and changed back."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.entra_logs import pipeline
from include.entra_logs.api import PARTITION, Window, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.lake import open_lake
from include.entra_logs.pipeline import Run
from tests.kit.budget import counted
from tests.kit.lake_model import Model, stored
from tests.kit.scripted_graph import ScriptedGraph, World

START = datetime(2026, 11, 2, tzinfo=UTC)
WINDOW = Window(START, START + PARTITION)
FOREVER = timedelta(days=36500)


@pytest.mark.parametrize("name", ["sign_ins", "risk_detections"])
@settings(max_examples=counted(quick=10, ci=60), deadline=None)
@given(seen=st.lists(st.sampled_from(["A", "B", None]), min_size=3, max_size=4), data=st.data())
def test_reads_loaded_in_any_order_leave_the_same_tables(
    name: str, seen: list[str | None], data: st.DataObject
) -> None:
    """What each read saw of one event (None: it lacked it), loaded in any order."""
    api = CATALOGUE[name]
    schedule = api.schedules()[0]
    world = World(api, WINDOW.end + schedule.settle)
    model = Model(api)
    event = {"id": "e", api.table.event_time: utc_text(START)}
    if api.table.updated_time:
        event[api.table.updated_time] = utc_text(START)
    with tempfile.TemporaryDirectory() as folder:
        lake = open_lake((Path(folder) / "lake").as_uri())
        reads = []
        for number, state in enumerate(seen):
            world.now += timedelta(hours=1)
            world.versions.clear()
            if state:
                world.put({**event, "riskState": state}, world.now)
            graph: Any = ScriptedGraph(world)
            run = Run(schedule, WINDOW, "graph", f"run {number}")
            access = pipeline.authenticate(run, graph, lake, FOREVER)
            found = pipeline.extract(run, access, graph, lake, FOREVER)
            reads.append((run, found, world.now, world.visible(WINDOW, api.table.event_time)))
        for run, found, read_at, events in data.draw(st.permutations(reads)):
            pipeline.load(run, pipeline.normalise(run, found, lake), lake)
            model.loaded(read_at, events)
            if len(model.reads) == len(reads):
                assert stored(lake, api) == model.expected()
