"""Where records lie: by table, tenant and month, so that a question reads what it is about."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from include.entra_logs.api import Window
from include.entra_logs.lake import Lake, layout, open_lake
from include.entra_logs.lake.store import Store, Stored
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import LedgerRecord, PartitionCounts

START = datetime(2026, 11, 22, tzinfo=UTC)
SPAN = Window(START, START + timedelta(hours=2))
MONTHS = [datetime(2026, month, 3, tzinfo=UTC) for month in range(5, 13)]
Make = Callable[..., LedgerRecord]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return open_lake((tmp_path / "lake").as_uri())


@pytest.fixture
def update(make_record: Make) -> LedgerRecord:
    """A read of changes in December that brought events of May."""
    return make_record(
        start=MONTHS[-1],
        filter_by="lastUpdatedDateTime",
        kind="updates",
        record_id="update",
        partitions=(PartitionCounts(MONTHS[0], 1), PartitionCounts(MONTHS[-1], 1)),
    )


def read_by(lake: Lake, monkeypatch: pytest.MonkeyPatch, *question: object) -> list[str]:
    """The keys that a question asks for, found or not; the listings stand first, by `list …`."""
    asked: list[str] = []
    get, listing = Store.get, Store.list

    def counting(self: Store, key: str) -> bytes | None:
        asked.append(key)
        return get(self, key)

    def listed(self: Store, prefix: str) -> Iterator[Stored]:
        asked.insert(0, f"list {prefix}")
        return listing(self, prefix)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "get", counting)
        patch.setattr(Store, "list", listed)
        list(ledger.records(lake, *question))  # type: ignore[arg-type]
    return asked


def test_a_question_lists_one_folder_and_reads_its_months(
    lake: Lake, make_record: Make, update: LedgerRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of years, tables and tenants only what it is about, and the months that reach into it."""
    ours = [make_record(start=at) for at in MONTHS]
    others = [replace(r, tenant_id="another", record_id=f"{r.record_id}-2") for r in ours]
    audits = [replace(r, api="directory_audits", record_id=f"{r.record_id}-3") for r in ours]
    for record in (*ours, *others, *audits, update):
        ledger.append(lake, record)
    ledger.roll_up(lake)
    loose = make_record(start=MONTHS[0] + timedelta(days=1))
    ledger.append(lake, loose)

    def month(of: LedgerRecord) -> str:
        return layout.ledger_month(ledger.shelf_of(of))

    tenant = ours[0].tenant_id
    folder = layout.ledger_reads("sign_ins", tenant)
    first, third = Window(MONTHS[0], MONTHS[0] + timedelta(hours=2)), ours[2].window
    asked = read_by(lake, monkeypatch, "sign_ins", tenant, third)
    assert asked == [f"list {folder}", month(ours[2])]
    asked = read_by(lake, monkeypatch, "sign_ins", tenant, first)
    key = layout.ledger_record(ledger.shelf_of(loose), loose.record_id)
    assert asked == [f"list {folder}", key, month(ours[0]), month(update)]
    assert list(ledger.records(lake, "sign_ins", tenant, first)) == [ours[0], update]


@pytest.mark.parametrize("exact", [True, False], ids=["one table and tenant", "everything"])
def test_a_first_roll_up_during_a_listing_hides_nothing(
    lake: Lake, make_record: Make, monkeypatch: pytest.MonkeyPatch, *, exact: bool
) -> None:
    """A listing that sees neither the month, not there yet, nor its records, gone already."""
    record = make_record()
    ledger.append(lake, record)
    listing = Store.list

    def sees_neither(self: Store, prefix: str) -> Iterator[Stored]:
        monkeypatch.setattr(Store, "list", listing)
        ledger.roll_up(lake)
        return iter(())

    monkeypatch.setattr(Store, "list", sees_neither)
    question = ("sign_ins", record.tenant_id, SPAN) if exact else (None, None, SPAN)
    assert list(ledger.records(lake, *question)) == [record]


class Cut(Exception):
    """The process ends here."""


def test_a_record_is_announced_before_it_is_there(
    lake: Lake, update: LedgerRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut short after any write: either there is no record, or every month it touches knows."""
    tenant, may = update.tenant_id, Window(MONTHS[0], MONTHS[0] + timedelta(hours=2))
    whole = Store.put_if_absent
    for writes in range(3):
        left = iter(range(writes))

        def dies(self: Store, key: str, content: bytes, left: Iterator[int] = left) -> bool:
            if next(left, None) is None:
                raise Cut
            return whole(self, key, content)

        with monkeypatch.context() as patch:
            patch.setattr(Store, "put_if_absent", dies)
            try:
                ledger.append(lake, update)
            except Cut:
                assert list(ledger.records(lake)) == []
        found = list(ledger.records(lake, "sign_ins", tenant, may))
        assert found == list(ledger.records(lake))
    assert found == [update]


def test_tenants_and_tables_roll_up_apart(lake: Lake, make_record: Make) -> None:
    """Two tenants' roll-ups never meet in one file, nor do two tables'."""
    record = make_record()
    other = replace(record, tenant_id="another", record_id="other")
    audit = replace(record, api="directory_audits", record_id="audit")
    for each in (record, other, audit):
        ledger.append(lake, each)
    assert ledger.roll_up(lake, "sign_ins", "another") == 1
    assert ledger.roll_up(lake) == 2
    keys = [found.key for found in lake.store.list(layout.ledger_reads())]
    assert sorted(keys) == sorted(
        layout.ledger_month(ledger.shelf_of(each)) for each in (record, other, audit)
    )
    assert list(ledger.records(lake, tenant_id="another")) == [other]
