"""What lies in the ledger and is not as we write it stops what needs it, by name, and no more."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec import json

from include.entra_logs.api import PARTITION, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Corrupt, Refused
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger import ledger, mending, removals
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.removals import Removal
from include.entra_logs.proof.earlier import require_carried_over
from include.entra_logs.watch.cause import Kind
from include.entra_logs.watch.causes import causes
from include.entra_logs.watch.seen import see

START = datetime(2026, 11, 22, tzinfo=UTC)
OTHER_MONTH = datetime(2026, 9, 22, tzinfo=UTC)
Make = Callable[..., LedgerRecord]
REMEDY = "python -m include.entra_logs rebuild-ledger"


def month_of(record: LedgerRecord) -> str:
    """Where the record lies once it is rolled up."""
    return layout.ledger_month(ledger.shelf_of(record))


def span_of(start: datetime) -> Window:
    """The interval that starts then."""
    return Window(start, start + PARTITION)


def parquet(table: pa.Table) -> bytes:
    """The table as one Parquet file."""
    body = io.BytesIO()
    pq.write_table(table, body)
    return body.getvalue()


def retyped(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    """The table with other values, of another type, in one column."""
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values))


def with_null(table: pa.Table, name: str) -> pa.Table:
    """The table without the values of one column."""
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), pa.nulls(1, table.schema.field(at).type))


BROKEN_RECORDS: dict[str, Callable[[LedgerRecord], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda r: json.encode(r)[:100],
    "foreign": lambda _: b'{"name": "Thumbs"}',
    "no json": lambda _: b"\x00\xff\xfe",
    "deep": lambda _: b"[" * 100_000,
    "times without a zone": lambda r: json.encode(r).replace(b"00:00:00Z", b"00:00:00"),
    "a window of millennia": lambda r: json.encode(r).replace(
        b'"window_end":"2026', b'"window_end":"9026'
    ),
    "a window that ends before it starts": lambda r: json.encode(r).replace(
        b'"window_end":"2026', b'"window_end":"2025'
    ),
}  # fmt: skip
BROKEN_MONTHS: dict[str, Callable[[pa.Table], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda t: parquet(t)[:-20],
    "foreign": lambda _: parquet(pa.table({"x": [1]})),
    "text": lambda _: b"not a parquet file",
    "numbers as text": lambda t: parquet(retyped(t, "events", ["many"])),
    "times as lists": lambda t: parquet(retyped(t, "read_at", [[1]])),
    "times as bytes": lambda t: parquet(retyped(t, "read_at", [b"x"])),
    "partitions as numbers": lambda t: parquet(retyped(t, "partitions", [7])),
    "no id": lambda t: parquet(with_null(t, "record_id")),
    "no window": lambda t: parquet(with_null(t, "window_end")),
    "a table without a read": lambda t: parquet(t.drop_columns(["read_id"])),
}  # fmt: skip


def broken(lake: Lake, record: LedgerRecord, what: str, kind: str) -> str:
    """The key of what was broken of the record."""
    ledger.append(lake, record)
    if kind == "month":
        table = ledger.table(lake, record.api, record.tenant_id, record.window)
        ledger.roll_up(lake, record.api, record.tenant_id)
        key = month_of(record)
        lake.store.put(key, BROKEN_MONTHS[what](table))
    else:
        key = layout.ledger_record(ledger.shelf_of(record), record.record_id)
        lake.store.put(key, BROKEN_RECORDS[what](record))
    return key


ALL = [("record", what) for what in BROKEN_RECORDS] + [("month", what) for what in BROKEN_MONTHS]


@pytest.mark.parametrize(("kind", "what"), ALL, ids=[" ".join(pair) for pair in ALL])
def test_it_stops_only_what_needs_it(lake: Lake, make_record: Make, kind: str, what: str) -> None:
    """Corrupt with key and remedy for its table, tenant and month; any other question goes on."""
    victim = make_record()
    others = [
        make_record(start=OTHER_MONTH),
        make_record(tenant_id="another"),
        make_record(api="directory_audits"),
    ]
    key = broken(lake, victim, what, kind)
    for record in others:
        ledger.append(lake, record)
    with pytest.raises(Corrupt) as found:
        ledger.table(lake, "sign_ins", victim.tenant_id, victim.window)
    assert key in str(found.value)
    assert REMEDY in str(found.value)
    for record in others:
        assert list(ledger.records(lake, record.api, record.tenant_id, record.window)) == [record]
    table, odd = ledger.readable(lake)
    assert table.num_rows == len(others)
    assert list(odd) == [ledger.shelf_of(victim)]
    assert ledger.roll_up_many(lake, "sign_ins", victim.tenant_id) == 0
    if kind == "record":
        with pytest.raises(Corrupt):
            ledger.roll_up(lake)
    else:
        ledger.roll_up(lake)
    assert lake.store.get(month_of(others[0])), "others are rolled up all the same"
    assert mending.set_aside(lake, "sign_ins") == [key]
    assert lake.store.get(layout.ledger_broken(key)) is not None
    assert ledger.table(lake, "sign_ins", victim.tenant_id, victim.window).num_rows == 0
    assert mending.set_aside(lake, "sign_ins") == []


@pytest.mark.parametrize("what", list(BROKEN_MONTHS))
def test_a_broken_month_is_not_rolled_up_over(lake: Lake, make_record: Make, what: str) -> None:
    """A new record stays beside it; a load gives way, upkeep says why."""
    key = broken(lake, make_record(), what, "month")
    body = lake.store.get(key)
    fresh = make_record(start=START + PARTITION)
    ledger.append(lake, fresh)
    with pytest.raises(Corrupt, match="rebuild-ledger"):
        ledger.roll_up(lake)
    assert lake.store.get(key) == body
    mending.set_aside(lake, "sign_ins")
    assert ledger.roll_up(lake) == 1
    assert list(ledger.records(lake)) == [fresh]


def test_what_reaches_into_other_months_is_unknown_there_too(lake: Lake, make_record: Make) -> None:
    """A broken month that says of another that it reaches it stops questions about that one."""
    from include.entra_logs.ledger.record import PartitionCounts  # noqa: PLC0415  once

    victim = make_record(partitions=(PartitionCounts(OTHER_MONTH, 1),), counts=())
    key = broken(lake, victim, "cut", "month")
    ledger.append(lake, make_record(start=OTHER_MONTH))
    with pytest.raises(Corrupt, match=key):
        ledger.table(lake, "sign_ins", victim.tenant_id, span_of(OTHER_MONTH))
    assert {shelf.month for shelf in ledger.readable(lake).broken} == {"2026-09", "2026-11"}


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "notes.json", ".DS_Store", "reached-from-", "reached-from-2026", "a/b.json",
     "reached-from-2026-11-copy", "records.parquet.bak", "reached-from-0000-99"],
)  # fmt: skip
def test_names_that_are_not_ours_are_ignored(lake: Lake, make_record: Make, name: str) -> None:
    """On a shelf, and beside the shelves."""
    record = make_record()
    ledger.append(lake, record)
    folders = [ledger.shelf_of(record).folder, layout.LEDGER, f"{layout.LEDGER_READS}/sign_ins"]
    for folder in [*folders, f"{layout.LEDGER}/records", f"{layout.LEDGER}/months"]:
        lake.store.put(f"{folder}/{name}", b"\x00 anything")
    require_carried_over(lake)
    for _ in range(2):
        assert list(ledger.records(lake, span=record.window)) == [record]
        ledger.roll_up(lake)
    assert mending.set_aside(lake, "sign_ins") == []


def test_a_month_of_a_newer_version(lake: Lake, make_record: Make) -> None:
    """Its columns of today are read; it is not written again without what it has beyond them."""
    record = make_record()
    ledger.append(lake, record)
    newer = ledger.table(lake).append_column("tomorrow", pa.array([1]))
    ledger.roll_up(lake)
    lake.store.put(month_of(record), parquet(newer))
    later = make_record(start=START + PARTITION)
    ledger.append(lake, later)
    assert list(ledger.records(lake)) == [record, later]
    with pytest.raises(Refused, match="newer version of Entra Lake, which keeps tomorrow"):
        ledger.roll_up(lake)
    assert lake.store.get(month_of(record)) == parquet(newer)
    assert list(ledger.records(lake)) == [record, later]


@pytest.mark.parametrize("body", [b"", b"{", b'{"before": 1}', b"\xff"], ids=repr)
def test_a_broken_note_of_a_removal_says_it_by_its_name(lake: Lake, body: bytes) -> None:
    """To the second, rounded up; what is not named as a note is none."""
    before = START + timedelta(microseconds=7)
    removals.note_removal(lake, Removal("raw", "sign_ins", "t", before, START))
    folder = layout.ledger_removed("raw", "sign_ins", "t")
    assert removals.removed_before(lake, "raw", "sign_ins", "t") == before
    (note,) = lake.store.list(folder)
    lake.store.put(note.key, body)
    lake.store.put(f"{folder}/notes.txt", b"x")
    lake.store.put(f"{folder}/99999999T999999.json", b"x")
    found = removals.removed_before(lake, "raw", "sign_ins", "t")
    assert found == START + timedelta(seconds=1)


def test_the_watch_tells_of_it_and_of_nothing_else_there(lake: Lake, make_record: Make) -> None:
    """One cause with the key and the remedy; the month's intervals are not called missing."""
    victim = make_record()
    key = broken(lake, victim, "cut", "month")
    table, odd = ledger.readable(lake, "sign_ins")
    assert not table.num_rows
    now = START + timedelta(days=3)
    api, horizon = CATALOGUE["sign_ins"], timedelta(days=20)
    seen = see(api, victim.tenant_id, (), now, start=START, horizon=horizon, broken=odd)
    (found,) = causes(seen)
    assert found.topic.kind is Kind.BROKEN
    assert key in found.says
    assert REMEDY in found.says


def test_other_months_and_tenants_are_told_of_as_ever(lake: Lake, make_record: Make) -> None:
    """What is broken of one month hides no gap of the next one, nor one of another tenant."""
    victim = make_record()
    broken(lake, victim, "cut", "month")
    odd = ledger.readable(lake, "sign_ins").broken
    api, horizon, now = CATALOGUE["sign_ins"], timedelta(days=20), START + timedelta(days=12)
    for tenant, expected in ((victim.tenant_id, {"BROKEN", "BEHIND"}), ("another", {"BEHIND"})):
        seen = see(api, tenant, (), now, start=START, horizon=horizon, broken=odd)
        assert expected <= {cause.topic.kind.name for cause in causes(seen)}
