"""The lake of the demo company, read from the emulator by the real steps."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.entra_logs.api import Api, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.graph.client import GraphClient
from include.entra_logs.lake import Lake, open_lake
from include.entra_logs.outcome import Loaded
from include.entra_logs.pipeline import Run, authenticate, extract, load, normalise
from include.graph_emulator.process import Emulator, start_emulator
from tests.kit.emulated import clock_of, connection

DAY = Window(datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC))
RETENTION = timedelta(days=30)


def read_day(emulator: Emulator, lake: Lake, api: Api, window: Window = DAY) -> Loaded:
    """What a main run of `api` over `window` has loaded, after all four verbs."""
    run = Run(api.schedules()[0], window, "graph", run_id=f"{api.name}-{window.start:%Y%m%d}")
    with GraphClient(connection(emulator), pace=0.001, now=clock_of(emulator)) as graph:
        access = authenticate(run, graph, lake, RETENTION)
        reads = extract(run, access, graph, lake, RETENTION)
    return load(run, normalise(run, reads, lake), lake)


@pytest.fixture(scope="session")
def company_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a lake with a day of the three tables; do not write to it.

    A sign-in has a property that nobody declared, and one partition is from before `user_agent`.
    """
    root = tmp_path_factory.mktemp("company") / "lake"
    lake = open_lake(root.as_uri())
    odd = {
        "id": "a0000000-0000-4000-8000-000000000001",
        "createdDateTime": "2026-11-18T10:00:00.1234567Z",
        "userId": "b0000000-0000-4000-8000-000000000001",
        "userPrincipalName": "zoë@lakeside.example",
        "status": {"errorCode": 0},
        "brandNew": {"deep": [1, 2]},
    }
    with start_emulator(
        now="2026-11-20T12:00:00Z", speed=0, sign_ins_per_day=1000, throttling=False
    ) as emulator:
        emulator.add_events("sign_ins", [odd])
        for api in CATALOGUE.values():
            assert read_day(emulator, lake, api).added > 0
    older = next(root.glob("tables/sign_ins/*/date=2026-11-18/hour=08/events.parquet"))
    pq.write_table(pq.ParquetFile(older).read().drop_columns(["user_agent"]), older)
    return root
