"""Merge and publish of one partition, by example."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.entra_logs.errors import Corrupt, EntraLakeError
from include.entra_logs.lake import Lake
from include.entra_logs.merge import files, partition_file
from include.entra_logs.merge.tables import MergeCounts, key_columns, merge
from include.entra_logs.schema import CHANGED_AT, FIRST_SEEN_AT, table_schema
from tests.kit.rows import (
    DETECTIONS,
    READ,
    SIGN_INS,
    START,
    TENANT,
    event,
    key,
    load,
    stored,
    table,
    write,
)

LATER = READ + timedelta(hours=6)
EARLIER = READ - timedelta(hours=1)


def seen(row: dict) -> tuple:
    """A row's id, content and times."""
    return row["id"], row.get("app_display_name"), row[FIRST_SEEN_AT], row[CHANGED_AT]


def test_first_read_makes_the_partition(lake: Lake, tmp_path: Path) -> None:
    """A partition that was missing holds what the read brought, stamped with its time."""
    counts = load(lake, SIGN_INS, [event("b"), event("a")], READ, tmp_path)
    assert counts == MergeCounts(added=2, changed=0, unchanged=0, rewritten=True)
    assert [seen(row) for row in stored(lake, SIGN_INS)] == [
        ("a", None, READ, READ),
        ("b", None, READ, READ),
    ]


def test_an_equal_read_leaves_the_file_alone(lake: Lake, tmp_path: Path) -> None:
    """Events that are as they were do not replace the file."""
    policies = [{"id": "p", "enforced_grant_controls": ["mfa", None]}, None]
    events = [event("a", applied_conditional_access_policies=policies), event("b", 1)]
    load(lake, SIGN_INS, events, READ, tmp_path)
    tag = lake.store.tag(key(SIGN_INS))
    counts = load(lake, SIGN_INS, events[:1], LATER, tmp_path)
    assert counts == MergeCounts(added=0, changed=0, unchanged=1, rewritten=False)
    assert lake.store.tag(key(SIGN_INS)) == tag


def test_the_same_read_again_counts_the_same(lake: Lake, tmp_path: Path) -> None:
    """A crash before the counts were recorded loses nothing: they are in the table."""
    load(lake, SIGN_INS, [event("a"), event("b"), event("c")], READ, tmp_path)
    events = [event("a", app_display_name="new"), event("b"), event("d")]
    first = load(lake, SIGN_INS, events, LATER, tmp_path)
    again = load(lake, SIGN_INS, events, LATER, tmp_path)
    assert first == MergeCounts(added=1, changed=1, unchanged=1, rewritten=True)
    assert again == MergeCounts(added=1, changed=1, unchanged=1, rewritten=False)


def test_a_read_that_lacks_events_removes_none(lake: Lake, tmp_path: Path) -> None:
    """Nothing goes because a read did not bring it, not even by a read that is empty."""
    load(lake, SIGN_INS, [event("a"), event("b"), event("c")], READ, tmp_path)
    load(lake, SIGN_INS, [event("b", app_display_name="new")], LATER, tmp_path)
    assert load(lake, SIGN_INS, [], LATER, tmp_path) == MergeCounts(0, 0, 0, rewritten=False)
    assert [row["id"] for row in stored(lake, SIGN_INS)] == ["a", "b", "c"]


def test_an_empty_read_makes_no_file(lake: Lake, tmp_path: Path) -> None:
    """A partition without events has no file."""
    assert not load(lake, SIGN_INS, [], READ, tmp_path).rewritten
    assert lake.store.tag(key(SIGN_INS)) is None


def test_a_later_version_replaces_and_keeps_when_it_was_first_seen(
    lake: Lake, tmp_path: Path
) -> None:
    """`_first_seen_at` survives, `_changed_at` is when the stored version was first brought."""
    load(lake, SIGN_INS, [event("a", app_display_name="old")], READ, tmp_path)
    load(lake, SIGN_INS, [event("a", app_display_name="new")], LATER, tmp_path)
    assert [seen(row) for row in stored(lake, SIGN_INS)] == [("a", "new", READ, LATER)]


@pytest.mark.parametrize(
    ("content", "changed_at"),
    [pytest.param("old", READ, id="other"), pytest.param("new", EARLIER, id="the same")],
)
def test_an_earlier_read_loaded_later_only_lowers_times(
    lake: Lake, tmp_path: Path, content: str, changed_at: object
) -> None:
    """A replay of old raw does not overrule what was read later."""
    load(lake, SIGN_INS, [event("a", app_display_name="new")], READ, tmp_path)
    counts = load(lake, SIGN_INS, [event("a", app_display_name=content)], EARLIER, tmp_path)
    assert [seen(row) for row in stored(lake, SIGN_INS)] == [("a", "new", EARLIER, changed_at)]
    assert counts == MergeCounts(added=1, changed=0, unchanged=0, rewritten=True)


def test_the_apis_own_version_counts_before_the_time_of_the_read(
    lake: Lake, tmp_path: Path
) -> None:
    """A later read with an older `lastUpdatedDateTime` changes nothing; a newer one does."""
    hour = timedelta(hours=1)
    new = event("a", risk_state="dismissed", last_updated_date_time=START + 2 * hour)
    load(lake, DETECTIONS, [new], READ, tmp_path)
    old = event("a", risk_state="atRisk", last_updated_date_time=START + hour)
    assert not load(lake, DETECTIONS, [old], LATER, tmp_path).rewritten
    newest = event("a", risk_state="none", last_updated_date_time=START + 3 * hour)
    assert load(lake, DETECTIONS, [newest], EARLIER, tmp_path).rewritten
    assert [row["risk_state"] for row in stored(lake, DETECTIONS)] == ["none"]


def test_the_same_read_normalised_better_replaces(lake: Lake, tmp_path: Path) -> None:
    """After a repair of normalise a replay of the same read corrects the table."""
    load(lake, SIGN_INS, [event("a", app_display_name="wrong")], READ, tmp_path)
    load(lake, SIGN_INS, [event("a", app_display_name="right")], READ, tmp_path)
    assert [seen(row) for row in stored(lake, SIGN_INS)] == [("a", "right", READ, READ)]


def test_one_id_with_two_event_times_is_two_events(lake: Lake, tmp_path: Path) -> None:
    """Identity is id and event time."""
    load(lake, SIGN_INS, [event("a", 1)], READ, tmp_path)
    counts = load(lake, SIGN_INS, [event("a", 0), event("a", 1), event("a", 2)], LATER, tmp_path)
    assert (counts.added, counts.unchanged) == (2, 1)


def test_ids_of_any_character_are_told_apart_and_sorted_by_their_bytes(
    lake: Lake, tmp_path: Path
) -> None:
    """Every Unicode text is an id, also beyond the basic plane."""
    ids = ["", "\u0000", "a", "A", "é", "e\u0301", "\uffff", "\U0001f600", "a/../b", "'\"\n"]
    load(lake, SIGN_INS, [event(i) for i in ids[::2]], READ, tmp_path)
    load(lake, SIGN_INS, [event(i) for i in ids], LATER, tmp_path)
    found = [row["id"] for row in stored(lake, SIGN_INS)]
    assert found == sorted(ids, key=str.encode)


def test_a_table_of_an_older_schema_is_upgraded(lake: Lake, tmp_path: Path) -> None:
    """Columns that the stored file lacks are added, in structs as well; its rows have nulls."""
    now = table_schema(SIGN_INS.table)
    field = now.field("applied_conditional_access_policies")
    fewer = pa.struct([pa.field("id", pa.string())])
    fields = [f for f in now if f.name not in ("app_display_name", field.name)]
    older = pa.schema([*fields, pa.field(field.name, pa.list_(fewer))])
    old = event("a", applied_conditional_access_policies=[{"id": "p"}])
    write(tmp_path / "old.parquet", SIGN_INS, table(SIGN_INS, [old], READ, older))
    lake.store.put(key(SIGN_INS), tmp_path / "old.parquet")
    load(lake, SIGN_INS, [event("b", app_display_name="new")], LATER, tmp_path)
    with lake.store.open(key(SIGN_INS)) as file:
        found = pq.read_table(file)
    assert found.schema.equals(now)
    assert found["app_display_name"].to_pylist() == [None, "new"]
    policies = found[field.name].to_pylist()[0]
    assert [name for name, value in policies[0].items() if value] == ["id"]


def test_columns_of_a_newer_file_are_kept(lake: Lake, tmp_path: Path) -> None:
    """A column that this code does not know stays, with its values."""
    newer = table_schema(SIGN_INS.table).append(pa.field("future", pa.string()))
    rows = table(SIGN_INS, [event("a", future="kept")], READ, newer)
    lake.store.put(key(SIGN_INS), write(tmp_path / "new.parquet", SIGN_INS, rows))
    load(lake, SIGN_INS, [event("b")], LATER, tmp_path)
    assert [row.get("future") for row in stored(lake, SIGN_INS)] == ["kept", None]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda rows, at: rows.set_column(at, "app_display_name", [[1]]), id="retyped"),
        pytest.param(lambda rows, at: rows.append_column("app_display_name", [["x"]]), id="twice"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    lake: Lake, tmp_path: Path, change: Callable[[pa.Table, int], pa.Table]
) -> None:
    """A file that somebody wrote otherwise is named, with the column and the command."""
    rows = table(SIGN_INS, [event("a", app_display_name="x")], READ)
    rows = change(rows, rows.schema.get_field_index("app_display_name"))
    lake.store.put(key(SIGN_INS), write(tmp_path / "other.parquet", SIGN_INS, rows))
    with pytest.raises(Corrupt, match=r"rebuild --table sign_ins .*(app_display_name|duplicate)"):
        load(lake, SIGN_INS, [event("b")], LATER, tmp_path)


def truncated(whole: bytes) -> bytes:
    """A write that was cut."""
    return whole[: len(whole) // 2]


def scribbled(whole: bytes) -> bytes:
    """A whole footer over broken pages."""
    return whole[:8] + b"\xff" * 64 + whole[72:]


@pytest.mark.parametrize("damage", [truncated, scribbled, lambda _: b"", lambda _: b"<html>"])
def test_a_broken_partition_is_refused_until_it_is_rebuilt(
    lake: Lake, tmp_path: Path, damage: object
) -> None:
    """The error names the partition and the command; the broken file stays for a look at it."""
    load(lake, SIGN_INS, [event("a")], READ, tmp_path)
    whole = lake.store.get(key(SIGN_INS))
    broken = damage(whole)
    lake.store.put(key(SIGN_INS), broken)
    with pytest.raises(
        Corrupt, match=r"rebuild --table sign_ins --tenant .* --partition 2026"
    ) as e:
        load(lake, SIGN_INS, [event("a", app_display_name="b")], LATER, tmp_path)
    assert key(SIGN_INS) in str(e.value)
    assert lake.store.get(key(SIGN_INS)) == broken


def test_an_unsorted_partition_is_refused(lake: Lake, tmp_path: Path) -> None:
    """A file that someone appended to by hand would yield events twice."""
    rows = table(SIGN_INS, [event("a", 1), event("b", 2)], READ)
    twice = pa.concat_tables([rows, rows.slice(0, 1)])
    lake.store.put(key(SIGN_INS), write(tmp_path / "x.parquet", SIGN_INS, twice))
    with pytest.raises(Corrupt, match="rebuild"):
        load(lake, SIGN_INS, [event("c", 3)], LATER, tmp_path)


def test_events_of_another_partition_are_a_fault_of_the_caller(lake: Lake, tmp_path: Path) -> None:
    """No event gets into the file of a time that is not its own."""
    path = write(tmp_path / "x.parquet", SIGN_INS, table(SIGN_INS, [event("a", 7200)], READ))
    with pytest.raises(ValueError, match="outside the partition"):
        merge(lake, SIGN_INS.table, TENANT, START, path, READ)


def test_row_groups_stay_of_one_size(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many small merges do not fragment the file, and only what overlaps is compared."""
    monkeypatch.setattr(files, "ROW_GROUP", 50)
    monkeypatch.setattr(partition_file, "BATCH", 16)
    for turn in range(7):
        events = [event(f"{n}", n) for n in range(turn, 300, 7)]
        load(lake, SIGN_INS, events, READ + timedelta(hours=turn), tmp_path)
    assert [row["id"] for row in stored(lake, SIGN_INS)] == [f"{n}" for n in range(300)]
    with lake.store.open(key(SIGN_INS)) as file:
        meta = pq.ParquetFile(file).metadata
    assert [meta.row_group(g).num_rows for g in range(meta.num_row_groups)] == [50] * 6


def test_a_column_that_repeats_itself_stays_small(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is merged batch by batch is written with one dictionary, and read as plain text."""
    monkeypatch.setattr(partition_file, "BATCH", 16)
    events = [event(f"{n}", n, app_display_name=f"{n // 50:040}") for n in range(600)]
    load(lake, SIGN_INS, events[1:2], READ, tmp_path)
    with monkeypatch.context() as small:
        small.setattr(files, "ROW_GROUP", 50)
        load(lake, SIGN_INS, events[::2], READ, tmp_path)
    load(lake, SIGN_INS, events[1::2], LATER, tmp_path)
    assert [row["app_display_name"] for row in stored(lake, SIGN_INS)] == [
        e["app_display_name"] for e in events
    ]
    with lake.store.open(key(SIGN_INS)) as file:
        found = pq.ParquetFile(file)
        group = found.metadata.row_group(0)
    sizes = {
        group.column(at).path_in_schema: group.column(at).total_uncompressed_size
        for at in range(group.num_columns)
    }
    assert sizes["app_display_name"] < 5000
    assert found.schema_arrow.equals(table_schema(SIGN_INS.table))


def test_the_published_file_is_what_readers_of_bi_take(lake: Lake, tmp_path: Path) -> None:
    """zstd, microseconds UTC, sorted, with statistics and a page index, after a merge as well."""
    load(lake, SIGN_INS, [event("a")], READ, tmp_path)
    load(lake, SIGN_INS, [event("b", 1)], LATER, tmp_path)
    with lake.store.open(key(SIGN_INS)) as file:
        meta = pq.ParquetFile(file).metadata
    column = meta.row_group(0).column(0)
    keys = key_columns(SIGN_INS.table)
    names = [meta.schema.column(c.column_index).path for c in meta.row_group(0).sorting_columns]
    assert (column.compression, column.has_column_index, column.has_offset_index) == (
        "ZSTD", True, True
    )  # fmt: skip
    assert names == [keys.event_time, keys.id]
    assert meta.schema.to_arrow_schema().field(keys.event_time).type == pa.timestamp("us", "UTC")


def test_nothing_is_left_beside_the_tables(lake: Lake, tmp_path: Path) -> None:
    """What was built aside is gone after the merge, and after one that failed."""
    load(lake, SIGN_INS, [event("a")], READ, tmp_path)
    load(lake, SIGN_INS, [event("b")], LATER, tmp_path)
    lake.store.put(key(SIGN_INS), b"broken")
    with pytest.raises(EntraLakeError):
        load(lake, SIGN_INS, [event("b")], LATER, tmp_path)
    assert sorted(found.key for found in lake.store.list("")) == sorted(
        [key(SIGN_INS), "staging/publish.lock"]
    )
