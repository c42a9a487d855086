"""Many roll-ups of one month at once, on a disk and on a store that takes its time."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs.errors import EntraLakeError, Transient
from include.entra_logs.lake import open_lake
from include.entra_logs.lake.store import Store
from include.entra_logs.ledger import ledger, rolling
from include.entra_logs.ledger.record import LedgerRecord

Make = Callable[..., LedgerRecord]
START = datetime(2026, 11, 2, tzinfo=UTC)
LOADS, EACH = 8, 6


class SlowStore(Store):
    """Each write takes 20 ms, as on Azure: others come in between."""

    def put_if_absent(self, *args: Any) -> bool:
        """As a store."""
        time.sleep(0.02)
        return super().put_if_absent(*args)

    def replace_if_unchanged(self, *args: Any) -> bool:
        """As a store."""
        time.sleep(0.02)
        return super().replace_if_unchanged(*args)


def record_of(make_record: Make, load: int, number: int) -> LedgerRecord:
    """A record of its own."""
    start = START + timedelta(hours=2) * (load * EACH + number)
    return make_record(start=start, end=start + timedelta(hours=2))


def loads(url: str, store: type[Store], records: list[LedgerRecord]) -> list[str]:
    """What went wrong while these were recorded, with a roll-up after each."""
    lake = open_lake(url, store=store)
    wrong = []
    for record in records:
        ledger.append(lake, record)
        try:
            ledger.roll_up(lake)
        except EntraLakeError as error:
            wrong.append(str(error))
    return wrong


@pytest.mark.parametrize(
    ("ways", "store"),
    [("threads", Store), ("threads", SlowStore), ("processes", Store)],
    ids=["threads on a disk", "threads on a slow store", "processes on a disk"],
)
def test_none_fails_and_none_is_lost(
    tmp_path: Path, make_record: Make, ways: str, store: type[Store]
) -> None:
    """Eight at once: every record is in the month's file once, and no roll-up gives up."""
    url = tmp_path.as_uri()
    work = [[record_of(make_record, load, n) for n in range(EACH)] for load in range(LOADS)]
    lake = open_lake(url)
    for number in range(50):
        ledger.append(lake, make_record(read_id=f"before-{number}", start=START))
    args = [(url, store, records) for records in work]
    if ways == "threads":
        with ThreadPoolExecutor(LOADS) as pool:
            wrong = list(pool.map(lambda each: loads(*each), args))
    else:
        with get_context("spawn").Pool(LOADS) as pool:
            wrong = pool.starmap(loads, args)
    assert wrong == [[]] * LOADS
    ledger.roll_up(lake)
    table = ledger.table(lake)
    assert table.num_rows == 50 + LOADS * EACH
    assert len(set(table["record_id"].to_pylist())) == table.num_rows


def test_a_load_gives_way(
    tmp_path: Path, make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where others keep replacing the month, a load is done all the same; upkeep says it."""
    lake = open_lake(tmp_path.as_uri())
    monkeypatch.setattr(ledger, "MOST_LOOSE", 1)
    monkeypatch.setattr(rolling, "LONGEST_PAUSE", 0.0)
    records = [record_of(make_record, 0, n) for n in range(3)]
    for record in records:
        ledger.append(lake, record)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "put_if_absent", lambda *_: False)
        assert ledger.roll_up_many(lake, "sign_ins", records[0].tenant_id) == 0
        with pytest.raises(Transient, match="run upkeep again"):
            ledger.roll_up(lake)
    assert list(ledger.records(lake)) == records
    assert ledger.roll_up_many(lake, "sign_ins", records[0].tenant_id) == 3
