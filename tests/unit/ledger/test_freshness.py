"""How far the lake has come, and what it should hold by now."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from include.entra_logs.api import PARTITION, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.ledger.freshness import expected, freshness
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.states import states

API = CATALOGUE["sign_ins"]
TENANT = "8f6f2f0a-4f4e-4d0e-9d67-3a7a3f1f0001"
START = datetime(2026, 11, 22, tzinfo=UTC)
MakeRecord = Callable[..., LedgerRecord]


@pytest.mark.parametrize(
    ("passed", "told"),
    [
        (timedelta(minutes=16), "fresh"),
        (timedelta(hours=3), "fresh"),
        (timedelta(hours=3.1), "behind"),
    ],
    ids=["just read", "at the target", "past it"],
)
def test_behind_is_older_than_the_target(
    make_record: MakeRecord, passed: timedelta, told: str
) -> None:
    """The age counts from the end of the newest interval that was read, not from the read."""
    span = Window(START - PARTITION, START + 3 * PARTITION)
    intervals = states(API, TENANT, [make_record()], span)
    found = freshness(API, TENANT, intervals, START + PARTITION + passed)
    assert found.reached == START + PARTITION
    assert found.age == passed
    assert found.behind is (told == "behind")


def test_nothing_read_is_behind() -> None:
    """An API without any read has no age, and is not fresh."""
    found = freshness(API, TENANT, states(API, TENANT, [], Window(START, START + PARTITION)), START)
    assert (found.reached, found.age, found.behind) == (None, None, True)


@pytest.mark.parametrize(
    ("start", "first"),
    [(START, START), (START + timedelta(minutes=1), START + PARTITION)],
    ids=["on a boundary", "between"],
)
def test_expected_from_the_first_whole_interval_to_the_last_settled_one(
    start: datetime, first: datetime
) -> None:
    """With ENTRA_START the reads do not matter; the interval that still settles is not due."""
    now = START + 5 * PARTITION + timedelta(minutes=14)
    assert expected(API, start, [], now) == Window(first, START + 4 * PARTITION)
    assert expected(API, now, [], now) is None


def test_expected_without_a_schedule_lies_between_the_reads(make_record: MakeRecord) -> None:
    """Unset, ENTRA_START expects nothing after the last read by hand, nor before the first."""
    now = START + 50 * PARTITION
    reads = [make_record(), make_record(start=START + 4 * PARTITION)]
    changes = make_record(start=START + 9 * PARTITION, filter_by="lastUpdatedDateTime")
    assert expected(API, None, [*reads, changes], now) == Window(START, START + 5 * PARTITION)
    assert expected(API, None, [], now) is None
