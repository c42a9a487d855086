from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include.entra_logs.api import Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Corrupt
from include.entra_logs.normalise import ordered, partitions
from include.entra_logs.normalise.counts import id_checksum
from include.entra_logs.schema import table_schema
from tests.kit.events import EVER, READ_AT, START, Page, declared_event, page_of, run

SIGN_INS = CATALOGUE["sign_ins"]
RISKS = CATALOGUE["risk_detections"]
WINDOW = Window(START, START + timedelta(hours=2))


def sign_in(name: object, at: str, **more: object) -> dict[str, object]:
    """A sign-in with an identity."""
    return {"id": name, "createdDateTime": at} | more


def test_a_window_is_half_open_at_microseconds(tmp_path: Path) -> None:
    """The start belongs to the window, the end doesn't; digits past the sixth don't count."""
    times = {
        "before": "2026-11-22T07:59:59.9999999Z",
        "start": "2026-11-22T08:00:00Z",
        "last": "2026-11-22T09:59:59.9999999Z",
        "end": "2026-11-22T10:00:00Z",
        "just after": "2026-11-22T10:00:00.0000001Z",
    }
    page = page_of([sign_in(name, at) for name, at in times.items()])
    done, rows = run(SIGN_INS, [page], tmp_path, WINDOW)
    assert [row["id"] for row in rows] == ["start", "last"]
    assert (done.events, done.distinct, done.outside) == (5, 2, 3)
    assert done.first_event == START
    assert done.last_event == datetime(2026, 11, 22, 9, 59, 59, 999999, tzinfo=UTC)


def test_a_page_answers_for_its_slice_alone(tmp_path: Path) -> None:
    """An event that two slices brought is taken from the one whose part of the window it is in."""
    middle = START + timedelta(hours=1)
    both = [sign_in("a", "2026-11-22T08:59:59Z"), sign_in("b", "2026-11-22T09:00:00Z")]
    pages = [
        page_of(both, Window(START, middle)),
        page_of(both, Window(middle, WINDOW.end)),
    ]
    done, rows = run(SIGN_INS, pages, tmp_path, WINDOW)
    assert [row["id"] for row in rows] == ["a", "b"]
    assert (done.outside, done.duplicates) == (2, 0)


@pytest.mark.parametrize(
    "event",
    [
        {"createdDateTime": "2026-11-22T08:00:00Z"},
        {"id": None, "createdDateTime": "2026-11-22T08:00:00Z"},
        {"id": 5, "createdDateTime": "2026-11-22T08:00:00Z"},
        {"id": ["a"], "createdDateTime": "2026-11-22T08:00:00Z"},
        {"id": "a"},
        {"id": "a", "createdDateTime": None},
        {"id": "a", "createdDateTime": "soon"},
        {"id": "a", "createdDateTime": 1_763_800_000},
        {"id": "a", "createdDateTime": "2026-11-31T08:00:00Z"},
        None,
        "event",
        7,
        [],
        [{"id": "a", "createdDateTime": "2026-11-22T08:00:00Z"}],
    ],
    ids=repr,
)
def test_an_event_without_identity_is_a_reject_and_blocks_nobody(
    tmp_path: Path, event: object
) -> None:
    """It is counted; the events before and after it in its page are loaded."""
    good = [sign_in("before", "2026-11-22T08:01:00Z"), sign_in("after", "2026-11-22T08:02:00Z")]
    done, rows = run(SIGN_INS, [page_of([good[0], event, good[1]])], tmp_path, WINDOW)
    assert [row["id"] for row in rows] == ["before", "after"]
    assert (done.events, done.rejects) == (3, 1)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"value":[', b"[]", b"{}", b'{"value":null}', b'{"value":{}}', b"NaN",
     b'{"value":[]}{"value":[]}'],
    ids=repr,
)  # fmt: skip
def test_what_is_no_page_is_corrupt(tmp_path: Path, body: bytes) -> None:
    """A stored body that is not one JSON object with a list of events ends the task, by name."""
    with pytest.raises(Corrupt):
        run(SIGN_INS, [Page(EVER, body)], tmp_path, WINDOW)


def test_an_empty_read_writes_no_file(tmp_path: Path) -> None:
    """No event, no Parquet file, nothing left in the folder."""
    done, _ = run(SIGN_INS, [page_of([]), page_of([])], tmp_path, WINDOW)
    assert (done.files, done.events, done.first_event) == ({}, 0, None)
    assert done.id_checksum == "0" * 32
    assert list(tmp_path.iterdir()) == []


def test_the_same_event_twice_is_one_row(tmp_path: Path) -> None:
    """Equal copies are duplicates, whether in a page or across pages."""
    event = declared_event(SIGN_INS)
    done, rows = run(SIGN_INS, [page_of([event, event]), page_of([event])], tmp_path)
    assert len(rows) == done.distinct == 1
    assert (done.duplicates, done.conflicts) == (2, 0)


def test_the_answer_that_was_read_later_wins(tmp_path: Path) -> None:
    """Other content under one identity is a conflict; without a version, the later page's stays.

    The lake gives the later page of a slice first.
    """
    old, new = (sign_in("a", "2026-11-22T08:00:00Z", appId=text) for text in ("old", "new"))
    done, rows = run(SIGN_INS, [page_of([new]), page_of([old])], tmp_path)
    assert [row["app_id"] for row in rows] == ["new"]
    assert (done.duplicates, done.conflicts) == (0, 1)


def test_the_newer_version_wins(tmp_path: Path) -> None:
    """Where Graph has a version, its larger value stays, wherever it was read."""
    first = {"id": "a", "detectedDateTime": "2026-11-22T08:00:00Z", "riskState": "atRisk"}
    older = first | {"lastUpdatedDateTime": "2026-11-22T08:30:00.9Z"}
    newer = first | {"lastUpdatedDateTime": "2026-11-22T08:30:01Z", "riskState": "dismissed"}
    pages = [page_of([older]), page_of([newer]), page_of([first])]
    done, rows = run(RISKS, pages, tmp_path)
    assert [row["risk_state"] for row in rows] == ["dismissed"]
    assert done.conflicts == 2


def test_one_id_with_two_times_is_two_events(tmp_path: Path) -> None:
    """Both are kept, and counted."""
    pages = [page_of([sign_in("a", f"2026-11-22T0{h}:00:00Z") for h in (8, 9)])]
    done, rows = run(SIGN_INS, pages, tmp_path)
    assert (len(rows), done.retimed) == (2, 1)


def test_changes_go_to_the_partitions_of_their_own_time(tmp_path: Path) -> None:
    """A read by `lastUpdatedDateTime` is cut by it; each event lies in its event time's file."""
    at = ["2026-10-01T23:59:59.9999999Z", "2026-11-22T08:00:00Z", "2000-01-01T00:00:00Z"]
    events = [
        {"id": f"e{n}", "detectedDateTime": t, "lastUpdatedDateTime": "2026-11-22T09:00:00Z"}
        for n, t in enumerate(at)
    ]
    late = events[0] | {"id": "late", "lastUpdatedDateTime": "2026-11-22T10:00:00Z"}
    none = events[0] | {"id": "none", "lastUpdatedDateTime": None}
    done, _ = run(RISKS, [page_of([*events, late, none])], tmp_path, WINDOW, "lastUpdatedDateTime")
    assert {str(start)[:13]: rows for start, rows in done.partitions.items()} == {
        "2000-01-01 00": 1, "2026-10-01 22": 1, "2026-11-22 08": 1,
    }  # fmt: skip
    assert (done.outside, done.rejects) == (1, 1)


def test_files_have_the_table_s_schema_and_final_quality(tmp_path: Path) -> None:
    """Sorted, zstd, with statistics and page index, all columns, both times the read's own."""
    events = [declared_event(SIGN_INS, number) for number in range(50)]
    done, rows = run(SIGN_INS, [page_of(events)], tmp_path, WINDOW)
    file = pq.ParquetFile(done.files[START])
    column = file.metadata.row_group(0).column(0)
    assert file.schema_arrow.equals(table_schema(SIGN_INS.table))
    assert (column.compression, column.is_stats_set) == ("ZSTD", True)
    assert column.has_offset_index
    assert column.has_column_index
    keys = [(row["created_date_time"], row["id"]) for row in rows]
    assert len(keys) == 50
    assert keys == sorted(keys)
    assert {row["_first_seen_at"] for row in rows} == {row["_changed_at"] for row in rows}
    assert rows[0]["_changed_at"] == READ_AT
    table = file.read()
    assert done.id_checksum == id_checksum(table["id"], table["created_date_time"])


def test_row_groups_have_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the pages' size: all full but the last of a partition, rows in order."""
    monkeypatch.setattr(partitions, "ROW_GROUP", 8)
    monkeypatch.setattr(ordered, "BATCH", 3)
    events = [sign_in(f"e{n:02d}", f"2026-11-22T{8 + n // 20:02d}:30:{n:02d}Z") for n in range(60)]
    pages = [page_of(events[at : at + 5]) for at in range(0, 60, 5)]
    done, rows = run(SIGN_INS, pages, tmp_path)
    sizes = {
        start.hour: [file.row_group(n).num_rows for n in range(file.num_row_groups)]
        for start, path in done.files.items()
        if (file := pq.ParquetFile(path).metadata)
    }
    assert sizes == {8: [8] * 5, 10: [8, 8, 4]}
    assert [row["id"] for row in rows] == [event["id"] for event in events]
