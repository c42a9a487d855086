from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from msgspec.structs import replace

from include.entra_logs.api import Window
from include.entra_logs.errors import Corrupt, Transient
from include.entra_logs.lake import Lake, layout
from include.entra_logs.lake.store import Store
from include.entra_logs.ledger import ledger, removals
from include.entra_logs.ledger.record import (
    FirstSeen,
    LedgerRecord,
    PartitionCounts,
    record_id,
)
from include.entra_logs.ledger.removals import Removal

START = datetime(2026, 11, 22, tzinfo=UTC)
SPAN = Window(START, START + timedelta(hours=1))
Make = Callable[..., LedgerRecord]


@pytest.fixture
def full(make_record: Make) -> LedgerRecord:
    """A record with something in every field."""
    return make_record(
        past_retention=True,
        requests=9,
        waited=1.5,
        first_event=START,
        id_checksum="f" * 32,
        partitions=(
            PartitionCounts(START, 1, 2, 3, 4, 5, (FirstSeen(START, 1), FirstSeen(SPAN.end, 3))),
            PartitionCounts(START, 7),
        ),
        surprises={"new.property": 3, "å": 1},
    )


def month_of(record: LedgerRecord) -> str:
    """Where the record lies once it is rolled up."""
    return layout.ledger_month(ledger.shelf_of(record))


def loose(lake: Lake) -> list[str]:
    """Keys of the records that are not rolled up."""
    keys = [found.key for found in lake.store.list(layout.ledger_reads())]
    return [key for key in keys if key.endswith(layout.RECORD_SUFFIX)]


def days(make_record: Make, count: int) -> list[LedgerRecord]:
    """One record for each of `count` days, over more than one month."""
    return [make_record(start=START + timedelta(days=n)) for n in range(count)]


def test_what_is_appended_is_read(lake: Lake, full: LedgerRecord) -> None:
    """A record comes back with every field, before and after a roll-up."""
    assert list(ledger.records(lake)) == []
    assert ledger.append(lake, full)
    assert list(ledger.records(lake)) == [full]
    assert ledger.roll_up(lake) == 1
    assert list(ledger.records(lake)) == [full]


def test_a_record_is_immutable(lake: Lake, full: LedgerRecord) -> None:
    """A second record of the same id changes nothing, before and after a roll-up."""
    ledger.append(lake, full)
    assert not ledger.append(lake, replace(full, events=99))
    ledger.roll_up(lake)
    ledger.append(lake, replace(full, events=99))
    assert list(ledger.records(lake)) == [full]
    ledger.roll_up(lake)
    assert list(ledger.records(lake)) == [full]


def test_a_roll_up_leaves_one_file_a_month(lake: Lake, make_record: Make) -> None:
    """After roll-ups, also of what came later for an old month, only the months are left."""
    records = days(make_record, 30)
    for record in records[::2]:
        ledger.append(lake, record)
    assert ledger.roll_up(lake) == 15
    for record in records[1::2]:
        ledger.append(lake, record)
    assert ledger.roll_up(lake) == 15
    assert ledger.roll_up(lake) == 0
    keys = sorted(found.key for found in lake.store.list(layout.LEDGER))
    assert keys == [month_of(records[0]), month_of(records[-1])]
    assert list(ledger.records(lake)) == records


def test_bounds_and_names_choose(lake: Lake, make_record: Make) -> None:
    """Records are chosen by api, tenant, and by what their window or events touch."""
    early, late = make_record(), make_record(start=START + timedelta(days=3))
    other = replace(early, api="directory_audits", record_id="other")
    update = replace(
        late, record_id="u", filter_by="lastUpdatedDateTime", partitions=early.partitions
    )
    for record in (early, late, other, update):
        ledger.append(lake, record)
    for _ in range(2):
        end = START + timedelta(hours=2)
        assert {
            r.record_id
            for r in ledger.records(lake, "sign_ins", span=Window(START - timedelta(days=9), end))
        } == {
            early.record_id,
            "u",
        }
        assert list(ledger.records(lake, "sign_ins", span=Window(end, late.window_start))) == [
            update
        ]
        assert list(ledger.records(lake, "directory_audits")) == [other]
        assert list(ledger.records(lake, tenant_id="nobody")) == []
        ledger.roll_up(lake)


def test_months_before_and_after_are_passed_over_but_for_what_reaches_out(
    lake: Lake, make_record: Make
) -> None:
    """A question for some days finds what another month's read brought to them, and no more."""
    before, within, after = (make_record(start=START + timedelta(days=n)) for n in (-40, 0, 40))
    brought = (PartitionCounts(START, 1),)
    update = replace(
        after, record_id="u", filter_by="lastUpdatedDateTime", partitions=brought, kind="updates"
    )
    for record in (before, within, after):
        ledger.append(lake, record)
    ledger.roll_up(lake)
    assert list(ledger.records(lake, span=SPAN)) == [within]
    ledger.append(lake, update)
    ledger.roll_up(lake)
    assert list(ledger.records(lake, span=SPAN)) == [within, update]
    assert list(ledger.records(lake, span=before.window)) == [before]


class Cut(Exception):
    """The process ends here."""


@pytest.mark.parametrize("name", ["put_if_absent", "replace_if_unchanged", "delete"])
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_crash_in_a_roll_up_loses_and_doubles_nothing(
    lake: Lake, make_record: Make, monkeypatch: pytest.MonkeyPatch, name: str, *, done: bool
) -> None:
    """Wherever a roll-up dies, each record is read once, and the next roll-up finishes."""
    records = days(make_record, 3)
    for record in records[:1] if name != "put_if_absent" else []:
        ledger.append(lake, record)
        ledger.roll_up(lake)
    for record in records:
        if record not in list(ledger.records(lake)):
            ledger.append(lake, record)
    whole = getattr(Store, name)

    def dies(self: Store, *args: object) -> None:
        if done:
            whole(self, *args)
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(Store, name, dies)
        with pytest.raises(Cut):
            ledger.roll_up(lake)
    assert list(ledger.records(lake)) == records
    ledger.roll_up(lake)
    assert list(ledger.records(lake)) == records
    assert loose(lake) == []


def test_two_roll_ups_at_once_lose_nothing(
    lake: Lake, make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A roll-up that another one overtook sees that, and merges with what the other wrote."""
    records = days(make_record, 4)
    ledger.append(lake, records[0])
    ledger.roll_up(lake)
    for record in records[1:3]:
        ledger.append(lake, record)
    whole: list[Callable[..., bool]] = [Store.replace_if_unchanged]

    def overtaken(self: Store, key: str, content: bytes, tag: str) -> bool:
        if len(whole) == 1:
            whole.append(whole[0])
            ledger.append(lake, records[3])
            ledger.roll_up(lake)
        return whole[0](self, key, content, tag)

    monkeypatch.setattr(Store, "replace_if_unchanged", overtaken)
    ledger.roll_up(lake)
    assert list(ledger.records(lake)) == records


def test_a_month_that_others_keep_replacing_says_so(
    lake: Lake, make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A roll-up that never gets its turn gives up without having deleted a record."""
    records = days(make_record, 2)
    for record in records:
        ledger.append(lake, record)
    monkeypatch.setattr(Store, "put_if_absent", lambda *_: False)
    with pytest.raises(Transient, match="run upkeep again"):
        ledger.roll_up(lake)
    assert list(ledger.records(lake)) == records


def test_a_reader_during_a_roll_up_sees_every_record(
    lake: Lake, make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that move from loose to rolled up between two steps of a reader are not lost."""
    records = days(make_record, 3)
    for record in records:
        ledger.append(lake, record)
    listing = Store.list

    def moved_meanwhile(self: Store, prefix: str) -> Iterator[object]:
        found = list(listing(self, prefix))
        monkeypatch.setattr(Store, "list", listing)
        ledger.roll_up(lake)
        yield from found

    monkeypatch.setattr(Store, "list", moved_meanwhile)
    assert list(ledger.records(lake)) == records


@pytest.mark.parametrize("rolled", [False, True], ids=["record", "month"])
def test_a_broken_object_is_named(lake: Lake, full: LedgerRecord, *, rolled: bool) -> None:
    """A record or month that was damaged is named, never skipped."""
    ledger.append(lake, full)
    if rolled:
        ledger.roll_up(lake)
    (found,) = lake.store.list(layout.LEDGER)
    lake.store.put(found.key, b"{")
    with pytest.raises(Corrupt, match=found.key):
        list(ledger.records(lake))


def test_a_month_of_an_older_version_is_read(lake: Lake, full: LedgerRecord) -> None:
    """A rolled-up month without a column of today gives that field's default."""
    import io  # noqa: PLC0415 - only this test writes a month by hand

    import pyarrow.parquet as pq  # noqa: PLC0415 - only this test writes a month by hand

    ledger.append(lake, full)
    older, body = ledger.table(lake).drop_columns(["retimed", "touched_end"]), io.BytesIO()
    pq.write_table(older, body)
    lake.store.put(month_of(full), body.getvalue())
    lake.store.delete(layout.ledger_record(ledger.shelf_of(full), full.record_id))
    assert list(ledger.records(lake, span=SPAN)) == [full]


def test_years_are_one_query(lake: Lake, make_record: Make, tmp_path: Path) -> None:
    """DuckDB reads the rolled-up months directly: what was added, and how long loads took."""
    for record in days(make_record, 30):
        ledger.append(lake, record)
    ledger.roll_up(lake)
    months = tmp_path / "lake" / layout.ledger_reads() / "*/*/*/records.parquet"
    found = duckdb.sql(
        f"select sum(added), max(loaded_at - read_at) from '{months}' where api = 'sign_ins'"
    ).fetchone()
    assert found == (3000, timedelta(minutes=1))


def test_a_replay_has_its_own_record() -> None:
    """A read is recorded under its id, each run that replays it under one more."""
    ids = {record_id("read", kind, run) for kind in ("main", "replay") for run in ("a", "b")}
    assert len(ids) == 3
    assert "read" in ids


def test_removals_are_remembered(lake: Lake) -> None:
    """The ledger knows up to when tables were removed, and keeps one note of it."""
    assert removals.removed_before(lake, "tables", "sign_ins", "t") is None
    for days_gone in (1, 3, 2):
        before = START + timedelta(days=days_gone)
        removals.note_removal(lake, Removal("tables", "sign_ins", "t", before, START))
    assert removals.removed_before(lake, "tables", "sign_ins", "t") == START + timedelta(days=3)
    assert removals.removed_before(lake, "raw", "sign_ins", "t") is None
    assert len(list(lake.store.list(layout.LEDGER))) == 1
