"""What a run of load says about itself: one line, which intervals are there, which have changed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from include.entra_logs.airflow_side.runbook import display_name
from include.entra_logs.api import PARTITION, Schedule
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.ledger.record import LedgerRecord, PartitionCounts
from include.entra_logs.ledger.states import read_before, timely_before
from include.entra_logs.outcome import Loaded, LoadedRead

MAIN, SWEEP, *_ = CATALOGUE["sign_ins"].schedules()
UPDATES = CATALOGUE["risk_detections"].schedules()[-1]
API = MAIN.api
START = datetime(2026, 11, 22, tzinfo=UTC)
NEXT = START + PARTITION

Make = Callable[..., LedgerRecord]


def loaded(
    *records: LedgerRecord, schedule: Schedule = MAIN, before: set[datetime] | None = None
) -> Loaded:
    """A run that loaded these reads; of its intervals, those in `before` were read before."""
    known = frozenset(before or ())
    reads = tuple(LoadedRead(r, known, known) for r in records)
    window = records[0].window
    return Loaded(schedule, window, reads, replay=False, seconds=1.24)


def test_one_line_says_what_a_run_did(make_record: Make) -> None:
    """Kind, window, what came and what it did, and how long that took."""
    record = make_record(counts=(5123, 1, 20, 2), pages=6, events=5150, outside=4, rejects=2)
    assert str(loaded(record)) == (
        "entra_sign_ins [2026-11-22T00:00:00Z, 2026-11-22T02:00:00Z) main: 5,150 events from 6 "
        "pages; 5,123 added (0 late), 1 changed, 20 as they were, 4 outside, 2 rejects, 2 lacked; "
        "1 partition of sign_ins altered in 1.2 s"
    )


def test_sweeps_and_replays_say_so(make_record: Make) -> None:
    """The kind comes right behind the window, for one that found nothing to do as well."""
    record = make_record()
    head = "[2026-11-22T00:00:00Z, 2026-11-22T02:00:00Z)"
    swept = str(loaded(record, schedule=SWEEP, before={START}))
    assert swept.startswith(f"entra_sign_ins_sweep_6h {head} sweep 6h: 0 events from 0 pages; 100")
    assert "100 added (100 late)" in swept
    idle = Loaded(SWEEP, record.window, (), replay=False, seconds=0)
    assert str(idle) == f"entra_sign_ins_sweep_6h {head} sweep 6h: nothing to do"
    reads = (LoadedRead(record, frozenset()), LoadedRead(record, frozenset()))
    replay = Loaded(MAIN, record.window, reads, replay=True, seconds=0)
    assert str(replay).startswith(f"entra_sign_ins {head} replay of 2 reads: ")


@pytest.mark.parametrize(
    ("schedule", "name"),
    [
        (MAIN, "Entra sign-ins"),
        (SWEEP, "Entra sign-ins · sweep after 6 hours"),
        (UPDATES, "Entra risk detections · updates"),
    ],
    ids=["main", "sweep", "updates"],
)
def test_the_kinds_have_names_of_their_own(schedule: Schedule, name: str) -> None:
    """In the UI a sweep is told from a main DAG at a glance."""
    assert display_name(schedule) == name


def test_an_interval_is_there_once(make_record: Make) -> None:
    """It is by the first read that covers it from end to end, also where nothing had happened."""
    empty = make_record(counts=())
    assert loaded(empty).first_whole == {START}
    assert loaded(empty, before={START}).first_whole == set()
    two = make_record(end=NEXT + PARTITION)
    assert loaded(two, before={START}).first_whole == {NEXT}
    cut = make_record(start=START + timedelta(minutes=1), end=NEXT + timedelta(hours=1))
    assert loaded(cut).first_whole == set()
    again = Loaded(MAIN, empty.window, (LoadedRead(empty, frozenset()),), replay=True, seconds=0)
    assert again.first_whole == set()
    assert loaded(empty, schedule=UPDATES).first_whole == set()


def test_what_was_added_or_changed_is_altered(make_record: Make) -> None:
    """Partitions where nothing but known events came are as they were."""
    counts = (
        PartitionCounts(START, unchanged=5),
        PartitionCounts(NEXT, changed=1),
        PartitionCounts(NEXT + PARTITION, added=1),
    )
    record = make_record(end=NEXT + 2 * PARTITION, partitions=counts)
    assert loaded(record).altered == {NEXT, NEXT + PARTITION}


def test_read_before(make_record: Make) -> None:
    """Only an earlier read by event time, whole and within retention, makes what follows late."""
    record = make_record(late=timedelta(hours=6))
    assert read_before(API, record, [make_record()]) == {START}
    others = [
        record,
        make_record(late=timedelta(hours=7)),
        make_record(end=NEXT - timedelta(minutes=1)),
        make_record(start=NEXT),
        make_record(past_retention=True),
        make_record(filter_by="lastUpdatedDateTime"),
    ]
    assert read_before(API, record, others) == set()
    assert timely_before(API, record, [make_record()]) == {START}
    assert timely_before(API, record, [*others, make_record(late=timedelta(hours=3))]) == set()
