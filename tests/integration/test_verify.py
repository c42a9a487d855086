"""Lakes that are damaged by hand, a week of them through the pipeline: verify, rebuild, upkeep."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from include.entra_logs import pipeline
from include.entra_logs.api import PARTITION, Schedule, Window, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Corrupt, Refused, Transient
from include.entra_logs.lake import Lake, layout, open_lake
from include.entra_logs.ledger import ledger, removals
from include.entra_logs.ledger.record import FirstSeen, LedgerRecord
from include.entra_logs.ledger.removals import Removal
from include.entra_logs.ledger.states import State, states
from include.entra_logs.pipeline import Run
from include.entra_logs.proof import upkeep
from include.entra_logs.proof.rebuild import rebuild
from include.entra_logs.proof.rebuild_ledger import rebuild_ledger
from include.entra_logs.proof.retention import remove_old_raw, remove_old_tables
from include.entra_logs.proof.verify import Report, verify
from tests.kit.azurite import Azurite
from tests.kit.lake_model import stored
from tests.kit.scripted_graph import TENANT, ScriptedGraph, World

API = CATALOGUE["risk_detections"]
MAIN, SWEEP, UPDATES = API.schedules()
START = datetime(2026, 11, 2, tzinfo=UTC)
WINDOWS = [Window(START + n * PARTITION, START + (n + 1) * PARTITION) for n in range(3)]
FOREVER = timedelta(days=36500)
DAMAGED = WINDOWS[1]


def load(lake: Lake, world: World, schedule: Schedule, window: Window, short: int = 0) -> None:
    """One run from extract to load; each asks Graph at another second."""
    world.now += timedelta(seconds=1)
    graph: Any = ScriptedGraph(world, short)
    run = Run(schedule, window, "graph", f"run-{world.now:%H%M%S}")
    access = pipeline.authenticate(run, graph, lake, FOREVER)
    reads = pipeline.extract(run, access, graph, lake, FOREVER)
    pipeline.load(run, pipeline.normalise(run, reads, lake), lake)


def event(number: int, at: datetime, state: str = "atRisk") -> dict[str, Any]:
    """A detection; the same number is the same id."""
    return {
        "id": f"id-{number:03}",
        "detectedDateTime": utc_text(at),
        "lastUpdatedDateTime": utc_text(at),
        "riskState": state,
    }


def make_world() -> World:
    """Six detections in each of three windows; one comes late, one changes later."""
    world = World(API, START)
    for n in range(18):
        at = START + n * timedelta(minutes=20) + timedelta(microseconds=n)
        world.put(event(n, at), at + (timedelta(days=1) if n == 7 else timedelta()))
    changed = event(8, START + timedelta(minutes=160, microseconds=8), "remediated")
    changed["lastUpdatedDateTime"] = utc_text(START + timedelta(days=2, minutes=1))
    world.put(changed, START + timedelta(days=2, minutes=1))
    return world


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """A lake as main reads, a read of changes and sweeps left it, and when the last one was."""
    folder, world = tmp_path_factory.mktemp("template") / "lake", make_world()
    lake = open_lake(folder.as_uri())
    world.now = WINDOWS[-1].end + timedelta(minutes=15)
    for window in WINDOWS:
        load(lake, world, MAIN, window)
    world.now = START + timedelta(days=2, hours=3)
    load(
        lake, world, UPDATES, Window(START + timedelta(days=2), START + timedelta(days=2, hours=2))
    )
    world.now = START + timedelta(days=4)
    for window in WINDOWS:
        load(lake, world, SWEEP, window)
    return folder, world.now


@pytest.fixture
def lake(tmp_path: Path, template: tuple[Path, datetime]) -> Lake:
    """A copy of the template, to be damaged."""
    copytree(template[0], tmp_path / "lake")
    return open_lake((tmp_path / "lake").as_uri())


@pytest.fixture
def world(template: tuple[Path, datetime]) -> World:
    """The world that the template was read from, as it was left."""
    world = make_world()
    world.now = template[1]
    return world


def partition_key(window: Window = DAMAGED) -> str:
    """Key of the window's partition."""
    return layout.table_file(API.name, TENANT, window.start)


def edit(lake: Lake, change: Callable[[pa.Table], pa.Table], key: str | None = None) -> None:
    """Change a Parquet file of the lake by hand."""
    key = key or partition_key()
    body, out = lake.store.get(key), io.BytesIO()
    assert body
    pq.write_table(change(pq.read_table(io.BytesIO(body))), out)
    lake.store.put(key, out.getvalue())


def raw_keys(lake: Lake, kind: str, suffix: str, window: Window = DAMAGED) -> list[str]:
    """Keys of the raw reads of one kind whose window starts with `window`."""
    folder = layout.raw_prefix(API.name, TENANT, window.start)
    keys = [found.key for found in lake.store.list(folder)]
    return sorted(key for key in keys if f"-{kind}-" in key and key.endswith(suffix))


def said(report: Report, window: Window = DAMAGED) -> str:
    """What was found; all of it in one window."""
    assert not report.ok
    assert {d.window for d in report.differences} == {window}
    return " ".join(report.lines)


def with_last(table: pa.Table, column: str, value: object) -> pa.Table:
    """The table with another value in one column of its last row."""
    at = table.schema.get_field_index(column)
    kind = table.schema.field(at)
    values = pa.array([*table[column].to_pylist()[:-1], value], kind.type)
    return table.set_column(at, kind, values)


def other_row(table: pa.Table) -> pa.Table:
    """The table with one more event at its end, that no read brought."""
    return pa.concat_tables([table, with_last(table, "id", "zzz").slice(len(table) - 1)])


def row_between(table: pa.Table) -> pa.Table:
    """The table with one more event among the others."""
    row = with_last(table.slice(0, 1), "id", "zzz")
    return pa.concat_tables([table.slice(0, 1), row, table.slice(1)])


def test_an_untouched_lake_is_proved(lake: Lake) -> None:
    """Raw, tables and ledger of a healthy lake say the same, rolled up or not."""
    report = verify(lake)
    assert report.ok, report.lines
    assert (report.reads, report.partitions) == (7, 3)
    ledger.roll_up(lake)
    assert verify(lake).ok
    assert report.lines[-1].endswith("say the same.")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(lambda t: t.slice(1), "1 events that raw has are not in", id="deleted"),
        pytest.param(other_row, "1 events of the table are in no raw answer", id="added"),
        pytest.param(row_between, "1 events of the table are in no raw", id="added between"),
        pytest.param(
            lambda t: with_last(t, "risk_state", "forged"), "1 events are not as raw", id="edited"
        ),
        pytest.param(
            lambda t: with_last(t, "_first_seen_at", START), "1 events were first", id="restamped"
        ),
        pytest.param(lambda t: t.take([1, 0, *range(2, len(t))]), "sorted", id="out of order"),
        pytest.param(
            lambda t: pa.concat_tables([t, t.slice(len(t) - 1)]), "sorted", id="one twice"
        ),
    ],
)
def test_an_edited_partition_is_named_and_rebuilt(
    lake: Lake, change: Callable[[pa.Table], pa.Table], told: str
) -> None:
    """A row deleted, added or changed by hand is found, and one rebuild mends it."""
    before = stored(lake, API)
    edit(lake, change)
    assert told in said(verify(lake))
    assert rebuild(lake, API.table, TENANT, DAMAGED.start).partitions == 1
    assert verify(lake).ok
    assert stored(lake, API) == before


@pytest.mark.parametrize("body", [b"PAR1", b"", None], ids=["truncated", "empty", "removed"])
def test_a_broken_partition_is_named_and_rebuilt(lake: Lake, body: bytes | None) -> None:
    """A partition file that is no Parquet, or is gone, is found; one rebuild mends it."""
    before = stored(lake, API)
    if body is None:
        lake.store.delete(partition_key())
    else:
        lake.store.put(partition_key(), body)
    said(verify(lake))
    assert rebuild(lake, API.table).partitions == 3
    assert stored(lake, API) == before
    assert verify(lake).ok


def test_a_load_refuses_a_broken_partition_until_it_is_rebuilt(lake: Lake, world: World) -> None:
    """A load into a truncated file fails with the command that mends it, and loses nothing."""
    before = stored(lake, API)
    lake.store.put(partition_key(), b"PAR1")
    late = event(99, DAMAGED.start + timedelta(minutes=1))
    world.put(late, world.now)
    with pytest.raises(Corrupt, match="rebuild"):
        load(lake, world, MAIN, DAMAGED)
    rebuild(lake, API.table, TENANT, DAMAGED.start)
    found = stored(lake, API)
    assert found.keys() - before.keys() == {("id-099", late["detectedDateTime"])}
    load(lake, world, MAIN, DAMAGED)
    assert stored(lake, API).keys() == found.keys()


@pytest.mark.parametrize("kind", ["main", "sweep_3d"])
@pytest.mark.parametrize(
    ("suffix", "told"),
    [(layout.RAW_SUFFIX, "pages of read"), (layout.MANIFEST_SUFFIX, "manifest of read")],
)
def test_a_lost_object_of_raw_is_named(lake: Lake, kind: str, suffix: str, told: str) -> None:
    """A raw answer or its manifest, deleted by hand, is found; the tables are not accused."""
    (key,) = raw_keys(lake, kind, suffix)
    lake.store.delete(key)
    assert told in said(verify(lake))


@pytest.mark.parametrize("kind", ["main", "sweep_3d"])
def test_an_altered_page_of_raw_is_named(lake: Lake, kind: str) -> None:
    """One changed byte, or a page cut off, of a raw answer is found."""
    (key,) = raw_keys(lake, kind, layout.RAW_SUFFIX)
    body = lake.store.get(key)
    assert body
    for damaged in (body[:-20], body[:30] + bytes([body[30] ^ 1]) + body[31:]):
        lake.store.put(key, damaged)
        said(verify(lake))
    lake.store.put(key, body)
    assert verify(lake).ok


def test_a_rebuild_spares_what_raw_cannot_show(lake: Lake) -> None:
    """Where raw has lost a read, a readable file stays; a broken one becomes what raw has."""
    before = stored(lake, API)
    lake.store.delete(raw_keys(lake, "sweep_3d", layout.RAW_SUFFIX))
    result = rebuild(lake, API.table, TENANT, DAMAGED.start)
    assert (result.partitions, len(result.spared)) == (0, 1)
    assert stored(lake, API) == before
    lake.store.put(partition_key(), b"")
    assert rebuild(lake, API.table, TENANT, DAMAGED.start).partitions == 1
    assert before.keys() - stored(lake, API).keys() == {
        ("id-007", utc_text(START + timedelta(minutes=140, microseconds=7)))
    }


def test_a_forged_record_is_named(lake: Lake) -> None:
    """A record whose counts or checksum are not those of raw is found."""
    (record,) = (r for r in ledger.records(lake, API.name, span=DAMAGED) if r.kind == "main")
    for forged in (
        replace(record, events=record.events + 1),
        replace(record, id_checksum="1" * 32),
        replace(record, partitions=()),
    ):
        lake.store.delete(layout.ledger_record(ledger.shelf_of(record), record.record_id))
        ledger.append(lake, forged)
        assert record.read_id in said(verify(lake))


def as_first_loaded(record: LedgerRecord) -> LedgerRecord:
    """The record without when it was loaded, and what the file held by then."""
    counts = tuple(replace(each, seen=()) for each in record.partitions)
    return replace(record, loaded_at=record.read_at, partitions=counts)


def test_the_ledger_is_rebuilt_from_raw(lake: Lake) -> None:
    """Lost records are named, and made again from raw and tables as they were."""
    before = list(ledger.records(lake))
    lake.store.delete_prefix(layout.LEDGER)
    report = verify(lake)
    assert len(report.differences) == 7
    assert all("not in the ledger" in d.what for d in report.differences)
    assert rebuild_ledger(lake, API.table) == 7
    assert list(map(as_first_loaded, ledger.records(lake))) == list(map(as_first_loaded, before))
    assert verify(lake).ok
    assert rebuild_ledger(lake, API.table) == 0


def test_lost_tables_are_rebuilt_with_a_lost_ledger(lake: Lake) -> None:
    """From raw alone come the same tables again."""
    before = stored(lake, API)
    lake.store.delete_prefix(layout.TABLES)
    lake.store.delete_prefix(layout.LEDGER)
    assert rebuild(lake, API.table).partitions == 3
    assert stored(lake, API) == before
    rebuild_ledger(lake, API.table)
    assert verify(lake).ok


def test_a_load_during_a_rebuild_survives(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a load publishes while its partition is rebuilt is in the rebuilt partition too."""
    from include.entra_logs.proof.aside import Aside  # noqa: PLC0415 - patched by this test alone

    build = Aside.build
    late = event(99, DAMAGED.start + timedelta(minutes=1))

    def overtaken(self: Aside, partition: datetime) -> Path:
        monkeypatch.setattr(Aside, "build", build)
        world.put(late, world.now)
        load(lake, world, MAIN, DAMAGED)
        return build(self, partition)

    monkeypatch.setattr(Aside, "build", overtaken)
    assert rebuild(lake, API.table, TENANT, DAMAGED.start).partitions == 1
    assert ("id-099", late["detectedDateTime"]) in stored(lake, API)
    assert verify(lake).ok


def test_states_of_a_week(lake: Lake, world: World) -> None:
    """Verified by the sweep; a short answer afterwards is called disputed, until it is mended."""
    span = Window(WINDOWS[0].start, WINDOWS[-1].end + PARTITION)

    def now() -> list[State]:
        records = list(ledger.records(lake, API.name))
        return [found.state for found in states(API, TENANT, records, span)]

    assert now() == [State.VERIFIED] * 3 + [State.MISSING]
    load(lake, world, MAIN, DAMAGED, short=2)
    assert now() == [State.VERIFIED, State.DISPUTED, State.VERIFIED, State.MISSING]
    load(lake, world, MAIN, DAMAGED)
    assert now() == [State.VERIFIED] * 3 + [State.MISSING]


def test_table_retention_removes_and_remembers(lake: Lake) -> None:
    """Partitions past their age go; neither verify nor the states take them for lost."""
    now = WINDOWS[1].end + timedelta(days=30)
    assert remove_old_tables(lake, timedelta(days=30), now) == 2
    assert [p.key for p in lake.store.list(layout.TABLES)] == [partition_key(WINDOWS[2])]
    assert verify(lake).ok
    lake.store.delete(partition_key(WINDOWS[2]))
    assert "no file" in said(verify(lake), WINDOWS[2])


def test_raw_retention_spares_what_tables_need(lake: Lake, world: World) -> None:
    """Raw goes by age once loaded, but not while it is all that is left of an event."""
    lake.store.delete(partition_key(WINDOWS[0]))
    run = Run(MAIN, WINDOWS[2], "graph", "not-loaded")
    graph: Any = ScriptedGraph(world)
    pipeline.extract(run, pipeline.authenticate(run, graph, lake, FOREVER), graph, lake, FOREVER)
    now = START + timedelta(days=100)
    assert remove_old_raw(lake, timedelta(days=97), now) == 2 + 1
    left = {key.key.rpartition("/")[2][:8] for key in lake.store.list(layout.RAW)}
    assert left == {"20261102", "20261106"}
    assert remove_old_raw(lake, timedelta(days=90), now) == 2
    assert len(raw_keys(lake, "main", layout.RAW_SUFFIX, WINDOWS[2])) == 1
    assert len(raw_keys(lake, "main", layout.RAW_SUFFIX, WINDOWS[0])) == 1
    assert rebuild(lake, API.table, TENANT, WINDOWS[0].start).partitions == 1


def test_what_a_read_lacks_is_counted_in_its_half_open_window(lake: Lake, world: World) -> None:
    """The event at its start is of it, the one at its end is not; nothing is lacked either way."""
    for minutes in (150, 170):
        at = START + timedelta(minutes=minutes)
        world.put(event(100 + minutes, at), at)
    load(lake, world, MAIN, DAMAGED)
    load(lake, world, MAIN, Window(START + timedelta(minutes=150), START + timedelta(minutes=170)))
    newest = max(ledger.records(lake, API.name, span=DAMAGED), key=lambda r: r.read_at)
    (counts,) = newest.partitions
    assert (counts.brought, counts.lacked, counts.added) == (2, 0, 0)
    load(
        lake, world, MAIN, Window(START + timedelta(minutes=150), START + timedelta(minutes=170)), 1
    )
    newest = max(ledger.records(lake, API.name, span=DAMAGED), key=lambda r: r.read_at)
    assert newest.at(DAMAGED.start).lacked == 1


def test_raw_stays_while_one_of_its_partitions_is_not_there(lake: Lake, world: World) -> None:
    """A read of two partitions is all that is left of the one whose file was lost."""
    wide = Window(WINDOWS[0].start, WINDOWS[1].end)
    load(lake, world, MAIN, wide)
    lake.store.delete(partition_key(WINDOWS[0]))
    newest = max(raw_keys(lake, "main", layout.RAW_SUFFIX, WINDOWS[0]))
    remove_old_raw(lake, timedelta(days=1), START + timedelta(days=100))
    assert newest in raw_keys(lake, "main", layout.RAW_SUFFIX, WINDOWS[0])
    assert rebuild(lake, API.table, TENANT, WINDOWS[0].start).partitions == 1


def test_removed_raw_is_no_difference_but_an_edit_is(lake: Lake) -> None:
    """With raw removed for its age the tables are still proved by what raw is left."""
    removals.note_removal(lake, Removal("raw", API.name, TENANT, START + timedelta(days=3), START))
    lake.store.delete(
        [
            *raw_keys(lake, "main", layout.RAW_SUFFIX),
            *raw_keys(lake, "main", layout.MANIFEST_SUFFIX),
        ]
    )
    assert verify(lake).ok
    edit(lake, other_row)
    assert "the ledger says" in said(verify(lake))  # raw is gone, but the count of rows is known
    edit(lake, lambda t: t.slice(0, len(t) - 1))
    edit(lake, lambda t: t.slice(1))
    assert "not in the table" in said(verify(lake))


def test_upkeep_removes_leftovers_and_spares_work(lake: Lake) -> None:
    """Staging a week old goes, younger stays; the ledger is rolled up; the lake is proved."""
    kept = [f"{layout.NORMALISED}/a/b/c/counts.json", f"{layout.READS}/a/b/c/main/d/0001/1.page"]
    for key in kept:
        lake.store.put(key, b"x")
    orphan = raw_keys(lake, "main", layout.RAW_SUFFIX)[0].replace("-main-", "-main-f")
    lake.store.put(orphan, b"x")
    now = datetime.now(UTC)
    done = upkeep.tidy(lake, None, None, now)
    assert done["records"] == 7
    assert all(lake.store.get(key) for key in [*kept, orphan])
    done = upkeep.tidy(lake, None, None, now + timedelta(days=8))
    assert not [f for f in lake.store.list(layout.STAGING) if f.key != layout.LOCK]
    assert lake.store.get(orphan) is None
    assert verify(lake).ok


def test_a_slice_of_history_each_day(lake: Lake) -> None:
    """Each day is proved once it is swept, and once in every cycle; a difference is refused."""
    edit(lake, lambda t: t.slice(1))
    for age in (5, 95):
        with pytest.raises(Refused, match=r"\[2026-11-02T02:00:00Z, 2026-11-02T04:00:00Z\)"):
            upkeep.verify_slice(lake, START + timedelta(days=age))
    for age in (0, 4, 6, 94, 96):
        assert upkeep.verify_slice(lake, START + timedelta(days=age))["partitions"] == 0


@pytest.mark.azurite
def test_the_same_on_azure(azurite: Azurite) -> None:
    """Proof, rebuild, roll-up and retention do on Azure what they do on a disk."""
    lake, world = azurite.lake(), make_world()
    world.now = WINDOWS[-1].end + timedelta(minutes=15)
    for window in WINDOWS:
        load(lake, world, MAIN, window)
    assert upkeep.tidy(lake, None, None)["records"] == 3
    assert verify(lake).ok
    edit(lake, lambda t: t.slice(1))
    assert "1 events that raw has" in said(verify(lake))
    assert rebuild(lake, API.table).partitions == 3
    load(lake, world, MAIN, DAMAGED)
    assert ledger.roll_up(lake) == 1
    assert verify(lake).ok
    later = WINDOWS[-1].end + timedelta(days=9)
    days = timedelta(days=9)
    done = upkeep.tidy(lake, timedelta(days=1), days, later)
    assert (done["partitions"], done["raw"]) == (3, 4)
    assert not list(lake.store.list(layout.RAW))
    assert verify(lake).ok


def held_now(lake: Lake, window: Window = DAMAGED) -> int:
    """Events of an interval, as the page tells them."""
    records = ledger.records(lake, API.name, TENANT, window)
    lowered = removals.lowered(lake, API.name, TENANT)
    (found,) = states(API, TENANT, records, window, lowered)
    return found.events


def test_the_ledger_tells_what_a_rebuild_has_left(lake: Lake, world: World) -> None:
    """Raw lost and the file broken: what cannot be made again is told by nobody any more."""
    assert held_now(lake) == 6
    lake.store.delete(
        key for kind in ("main", "sweep_3d") for key in raw_keys(lake, kind, layout.RAW_SUFFIX)
    )
    lake.store.put(partition_key(), b"PAR1")
    assert rebuild(lake, API.table, TENANT, DAMAGED.start).partitions == 1
    assert held_now(lake) == 1, "the read of changes is all that raw has"
    damaged = [d for d in verify(lake).differences if "the ledger says" in d.what]
    assert damaged == []
    load(lake, world, MAIN, DAMAGED)
    assert held_now(lake) == 6
    assert [d for d in verify(lake).differences if "the ledger says" in d.what] == []


def test_the_ledger_tells_what_retention_has_left(lake: Lake, world: World) -> None:
    """Nothing is there once it was removed for its age, and what is read again is."""
    remove_old_tables(lake, timedelta(days=30), WINDOWS[1].end + timedelta(days=30))
    assert [held_now(lake, window) for window in WINDOWS] == [0, 0, 6]
    load(lake, world, MAIN, DAMAGED)
    assert [held_now(lake, window) for window in WINDOWS] == [0, 6, 6]


def test_a_wrong_count_is_named(lake: Lake) -> None:
    """A record that says of a partition what its file does not hold is found."""
    (record,) = (r for r in ledger.records(lake, API.name, span=DAMAGED) if r.kind == "sweep_3d")
    (counts,) = record.partitions
    forged = replace(counts, seen=(*counts.seen, FirstSeen(record.read_at, 9)))
    lake.store.delete(layout.ledger_record(ledger.shelf_of(record), record.record_id))
    ledger.append(lake, replace(record, partitions=(forged,)))
    assert "the ledger says 9 events, the table has 6" in said(verify(lake))


def test_a_lost_partition_is_named_though_raw_is_gone(lake: Lake) -> None:
    """The ledger alone still knows that there were events."""
    for kind in ("main", "sweep_3d", "updates"):
        for window in WINDOWS:
            for suffix in (layout.RAW_SUFFIX, layout.MANIFEST_SUFFIX):
                lake.store.delete(raw_keys(lake, kind, suffix, window))
    far = START + timedelta(days=9)
    removals.note_removal(lake, Removal("raw", API.name, TENANT, far, START))
    lake.store.delete(partition_key())
    assert "the partition has no file" in said(verify(lake))


def test_a_read_that_waits_is_no_difference_for_a_day(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backfill may sit between extract and load; a read that nobody loads is named."""
    world.now += timedelta(seconds=1)
    graph: Any = ScriptedGraph(world)
    run = Run(MAIN, DAMAGED, "graph", "waits")
    pipeline.extract(run, {"tenant_id": TENANT}, graph, lake, FOREVER)
    assert verify(lake).ok
    with monkeypatch.context() as patch:
        patch.setattr("include.entra_logs.proof.verify.FORGOTTEN", timedelta(seconds=-1))
        assert "rebuild-ledger" in said(verify(lake))
    assert rebuild_ledger(lake, API.table) == 1
    assert verify(lake).ok
    assert list(lake.store.list(layout.WAITING)) == []


def test_a_second_removal_does_not_bring_back_the_first(lake: Lake, world: World) -> None:
    """What was loaded last was removed first: the note of the next day forgets nothing."""
    world.now += timedelta(seconds=1)
    load(lake, world, MAIN, WINDOWS[0])
    for window in WINDOWS[:2]:
        remove_old_tables(lake, timedelta(days=30), window.end + timedelta(days=30))
    assert [held_now(lake, window) for window in WINDOWS] == [0, 0, 6]


def test_a_wide_read_that_is_being_loaded_is_no_difference_of_another_day(
    lake: Lake, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its window starts on the day before; its rows are there, its record is not yet."""
    world.put(event(99, DAMAGED.start), world.now)
    world.now += timedelta(seconds=1)
    wide = Window(START - PARTITION, DAMAGED.end)
    seen = []

    def append(lake: Lake, record: LedgerRecord) -> None:
        seen.extend(verify(lake).lines)
        raise Transient("the load ends here")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "append", append)
        with pytest.raises(Transient):
            load(lake, world, MAIN, wide)
    assert "say the same" in seen[0]
    assert wide.start.date() != DAMAGED.start.date()
