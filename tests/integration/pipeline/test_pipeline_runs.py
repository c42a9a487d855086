"""What every run promises, for each API, over real TLS."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.entra_logs import pipeline
from include.entra_logs.api import Window, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import NotYet, Refused
from include.entra_logs.graph.client import GraphClient
from include.entra_logs.lake import open_lake
from include.entra_logs.ledger import ledger
from include.entra_logs.pipeline import Run
from tests.integration.pipeline.line import (
    RETENTION,
    Line,
    main_of,
    two_hours,
)
from tests.kit.emulated import clock_of, connection

APIS = sorted(CATALOGUE)
MORNING = two_hours(18, 8)
SECOND = timedelta(seconds=1)
MICRO = timedelta(microseconds=1)


@pytest.mark.parametrize("name", APIS)
def test_a_run_brings_exactly_the_events_of_its_interval(line: Line, name: str) -> None:
    """Tables hold what had arrived of the interval, and nothing else."""
    done = line.run(main_of(name), MORNING)
    assert line.held(CATALOGUE[name]) == line.truth(CATALOGUE[name], MORNING)
    assert done["added"] == len(line.held(CATALOGUE[name])) > 0


@pytest.mark.parametrize("name", APIS)
def test_the_same_interval_three_times_leaves_every_file_as_it_was(line: Line, name: str) -> None:
    """An equal event changes nothing, and then the file is not even rewritten."""
    line.run(main_of(name), MORNING)
    before = line.files()
    for _ in range(2):
        assert line.run(main_of(name), MORNING)["added"] == 0
    assert line.files() == before


@pytest.mark.parametrize("name", APIS)
def test_neighbours_share_no_event_and_lose_none_at_the_edge(line: Line, name: str) -> None:
    """Events at, just before and just after a boundary lie in one partition each."""
    api = CATALOGUE[name]
    edge = two_hours(18, 6).end
    times = [edge - MICRO, edge, edge + MICRO, edge - SECOND]
    texts = [utc_text(at) for at in times]
    texts += [f"{edge - SECOND:%Y-%m-%dT%H:%M:%S}.9999999Z", f"{edge:%Y-%m-%dT%H:%M:%S}.0000001Z"]
    events = [
        {"id": f"edge-{n}", api.table.event_time: text, "lastUpdatedDateTime": texts[0]}
        if api.table.updated_time
        else {"id": f"edge-{n}", api.table.event_time: text}
        for n, text in enumerate(texts)
    ]
    line.emulator.add_events(name, events)
    for window in (two_hours(18, 6), MORNING):
        line.run(main_of(name), window)
    held = {event: at for event, at in line.held(api) if event.startswith("edge-")}
    assert sorted(held) == [f"edge-{n}" for n in range(6)]
    assert {n for n, at in held.items() if at >= edge} == {"edge-1", "edge-2", "edge-5"}
    both = Window(two_hours(18, 6).start, MORNING.end)
    assert {event for event, _ in line.truth(api, both)} == {event for event, _ in line.held(api)}


def test_an_empty_interval_is_recorded_and_leaves_no_file(line: Line) -> None:
    """A quiet interval succeeds: a complete read of nothing, no empty Parquet."""
    start = datetime(2026, 11, 18, 3, 33, 33, tzinfo=UTC)
    quiet = Window(start + MICRO, start + 2 * MICRO)
    assert line.run(main_of("risk_detections"), quiet)["added"] == 0
    (record,) = ledger.records(line.lake, "risk_detections")
    assert (record.events, record.pages, record.window) == (0, 1, quiet)
    assert not list((line.folder / "tables").rglob("*.parquet"))


@pytest.mark.parametrize(
    ("hours", "kind"), [(0, NotYet), (24, Refused)], ids=["unsettled", "future"]
)
def test_a_window_that_is_not_settled_names_the_time_from_which_it_works(
    line: Line, hours: int, kind: type[Exception]
) -> None:
    """By Graph's clock, whether that is worth waiting for or not; and it brings nothing."""
    window = Window(
        datetime(2026, 11, 18, 10, tzinfo=UTC) + timedelta(hours=hours),
        datetime(2026, 11, 18, 12, tzinfo=UTC) + timedelta(hours=hours),
    )
    settled = utc_text(window.end + timedelta(minutes=15))
    with pytest.raises(kind, match=f"not settled.*{settled}"):
        line.run(main_of("sign_ins"), window)
    assert not line.held(CATALOGUE["sign_ins"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "not-this-one"}, "secret"),
        ({"password": "emulator~expired"}, "expired"),
        ({"login": "11111111-2222-3333-4444-555555555555"}, "app"),
        ({"extra": {"tenant_id": "11111111-2222-3333-4444-555555555555"}}, "tenant"),
    ],
    ids=["wrong secret", "expired secret", "unknown app", "unknown tenant"],
)
def test_credentials_that_do_not_serve_are_refused_with_the_remedy(
    line: Line, changes: dict, words: str
) -> None:
    """One sentence, no secret in it, and no second try."""
    run = Run(main_of("sign_ins"), MORNING, "graph", "test")
    with (
        GraphClient(
            connection(line.emulator, **changes), pace=0, now=clock_of(line.emulator)
        ) as graph,
        pytest.raises(Refused, match=f"(?i){words}") as failed,
    ):
        pipeline.authenticate(run, graph, line.lake, RETENTION)
    said = str(failed.value)
    assert "\n" not in said
    assert str(changes.get("password", "emulator~")) not in said


def test_a_missing_permission_is_named_with_its_api(line: Line) -> None:
    """The sentence says which permission to grant."""
    app = {line.emulator.connection["login"]: {"secrets": ["s"], "roles": []}}
    line.emulator.change(applications=app)
    run = Run(main_of("risk_detections"), MORNING, "graph", "test")
    try:
        with (
            GraphClient(
                connection(line.emulator, password="s"), pace=0, now=clock_of(line.emulator)
            ) as graph,
            pytest.raises(Refused, match=r"IdentityRiskEvent\.Read\.All"),
        ):
            pipeline.authenticate(run, graph, line.lake, RETENTION)
    finally:
        full = ["AuditLog.Read.All", "IdentityRiskEvent.Read.All"]
        secrets = [line.emulator.connection["password"]]
        expired = ["emulator~expired"]
        app = {"secrets": secrets, "expired_secrets": expired, "roles": full}
        line.emulator.change(applications={line.emulator.connection["login"]: app})


def test_a_lake_that_cannot_be_written_is_refused(line: Line, tmp_path: Path) -> None:
    """The setting is named, and Graph sees no request."""
    (tmp_path / "file").write_text("not a folder")
    before = line.emulator.stats()
    with pytest.raises(Refused, match="ENTRA_LAKE_URL"):
        open_lake((tmp_path / "file" / "lake").as_uri())
    assert line.emulator.stats() == before


def test_a_read_keeps_what_graph_sent_and_a_replay_rebuilds_the_tables(line: Line) -> None:
    """Tables deleted and loaded again from raw, without Graph, hold the same rows."""
    schedule = main_of("sign_ins")
    for window in (two_hours(18, 6), MORNING):
        line.run(schedule, window)
    before = {
        path: pq.read_table(line.folder / path, partitioning=None).to_pylist()
        for path in line.files()
    }
    for path in line.files():
        (line.folder / path).unlink()
    for window in (MORNING, two_hours(18, 6)):
        line.run(schedule, window, "raw")
    after = {
        path: pq.read_table(line.folder / path, partitioning=None).to_pylist()
        for path in line.files()
    }
    assert after == before


def test_what_passes_through_xcom_is_small_and_holds_no_event(line: Line) -> None:
    """Keys and counts only."""
    run = Run(main_of("sign_ins"), MORNING, "graph", "test")
    access = pipeline.authenticate(run, line.graph, line.lake, RETENTION)
    reads = pipeline.extract(run, access, line.graph, line.lake, RETENTION)
    tables = pipeline.normalise(run, reads, line.lake)
    done = pipeline.load(run, tables, line.lake).handover()
    text = json.dumps([access, reads, tables, done])
    assert len(text) < 2000
    assert not [event for event, _ in line.held(CATALOGUE["sign_ins"]) if event in text]
