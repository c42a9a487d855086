from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from include.entra_logs.api import PARTITION, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.ledger.record import LedgerRecord, PartitionCounts
from include.entra_logs.ledger.states import (
    IntervalState,
    State,
    lateness,
    settled,
    shows_a_cut,
    states,
)

API = CATALOGUE["sign_ins"]
TENANT = "8f6f2f0a-4f4e-4d0e-9d67-3a7a3f1f0001"
START = datetime(2026, 11, 22, tzinfo=UTC)
SPAN = Window(START, START + PARTITION)
MAIN, SWEEP, LAST = timedelta(minutes=15), timedelta(hours=6), timedelta(days=3)

Make = Callable[..., LedgerRecord]


def state_of(*records: LedgerRecord) -> State:
    """The state of the interval at START."""
    return only(*records).state


def only(*records: LedgerRecord) -> IntervalState:
    """The interval at START, whatever order the records come in."""
    (forward,) = states(API, TENANT, records, SPAN)
    (backward,) = states(API, TENANT, reversed(records), SPAN)
    assert forward == backward
    return forward


def test_no_read_is_missing() -> None:
    """An interval that nobody read is missing, in a ledger of others' records too."""
    assert state_of() is State.MISSING


def test_other_tenants_and_apis_do_not_count(make_record: Make) -> None:
    """A record of another tenant, API or interval says nothing about this one."""
    others = (
        make_record(tenant_id="another"),
        make_record(api="directory_audits"),
        make_record(start=START + PARTITION),
    )
    assert state_of(*others) is State.MISSING


@pytest.mark.parametrize(
    ("late", "state"),
    [
        pytest.param(-timedelta(minutes=1), State.PROVISIONAL, id="before its end"),
        pytest.param(MAIN, State.PROVISIONAL, id="sweeps ahead"),
        pytest.param(LAST - timedelta(seconds=1), State.PROVISIONAL, id="last sweep ahead"),
        pytest.param(LAST, State.COMPLETE, id="as late as the last sweep"),
    ],
)
def test_a_window_read_once(make_record: Make, late: timedelta, state: State) -> None:
    """One read is complete once it was asked as late as the last sweep would be."""
    assert state_of(make_record(late)) is state


def test_a_later_read_that_agrees_or_adds_verifies(make_record: Make) -> None:
    """Verified: a later read brought all that was known, and perhaps more."""
    first = make_record(MAIN)
    assert state_of(first, make_record(SWEEP, (0, 0, 100))) is State.VERIFIED
    assert state_of(first, make_record(SWEEP, (3, 1, 99, 0, 1))) is State.VERIFIED


def test_two_answers_within_an_hour_do_not_verify(make_record: Make) -> None:
    """Two reads verify an interval once the second was asked an hour after the first."""
    first = make_record(LAST)
    soon = make_record(LAST + timedelta(minutes=59), (0, 0, 100))
    later = make_record(LAST + timedelta(minutes=60), (0, 0, 100))
    assert state_of(first, soon) is State.COMPLETE
    assert state_of(first, later) is State.VERIFIED


def test_reads_before_settling_do_not_verify(make_record: Make) -> None:
    """Two reads asked too early (a wrong clock) leave the interval provisional."""
    early = make_record(timedelta(minutes=2)), make_record(timedelta(minutes=4), (0, 0, 100))
    assert state_of(*early) is State.PROVISIONAL


def test_a_later_read_that_lacks_events_disputes(make_record: Make) -> None:
    """Disputed: a later read lacked one event that an earlier one had."""
    assert state_of(make_record(MAIN), make_record(SWEEP, (0, 0, 99, 1))) is State.DISPUTED


def test_a_short_first_answer_is_disputed_by_the_sweep(make_record: Make) -> None:
    """A block of forty neighbours that the first of two answers lacked is no lateness."""
    assert state_of(make_record(MAIN), make_record(SWEEP, (40, 0, 100, 0, 40))) is State.DISPUTED


def test_many_after_an_empty_answer_are_disputed(make_record: Make) -> None:
    """An answer without events where a later read finds many is called disputed."""
    empty = make_record(MAIN, ())
    assert state_of(empty, make_record(SWEEP, (10,))) is State.DISPUTED
    assert state_of(empty, make_record(SWEEP, (9,))) is State.VERIFIED


def test_a_sweep_loaded_before_the_main_read_disputes_nothing(make_record: Make) -> None:
    """Records in an odd order of loads (a replay into empty tables) make no dispute."""
    sweep = make_record(SWEEP, (100,))
    main = make_record(MAIN, (0, 0, 100))
    assert state_of(main, sweep) is State.VERIFIED


def test_a_later_whole_read_settles_a_dispute(make_record: Make) -> None:
    """The last word is with a read that brought everything that is known."""
    found = only(
        make_record(MAIN), make_record(SWEEP, (0, 0, 60, 40)), make_record(LAST, (0, 0, 100))
    )
    assert (found.state, found.disagreements) == (State.VERIFIED, 1)


def test_a_read_of_a_part_settles_no_dispute(make_record: Make) -> None:
    """Half an interval, read again, leaves the other half disputed."""
    half = make_record(LAST, (0, 0, 50), end=START + timedelta(hours=1))
    assert state_of(make_record(MAIN), make_record(SWEEP, (0, 0, 60, 40)), half) is State.DISPUTED


def test_parts_together_cover_an_interval(make_record: Make) -> None:
    """Reads of both halves make it complete, one of them leaves it missing."""
    middle = START + timedelta(minutes=70)
    first = make_record(LAST + PARTITION, end=middle, read_id="a")
    second = make_record(LAST + PARTITION, (), start=middle, end=START + PARTITION, read_id="b")
    assert state_of(first) is State.MISSING
    assert state_of(first, second) is State.COMPLETE


def test_a_long_window_covers_each_of_its_intervals(make_record: Make) -> None:
    """A read of a day is a read of each of its twelve intervals, with that interval's counts."""
    day = make_record(LAST, (7,), end=START + timedelta(days=1))
    found = list(states(API, TENANT, [day], day.window))
    assert [f.state for f in found] == [State.COMPLETE] + [State.EMPTY] * 11
    assert [f.events for f in found] == [7] + [0] * 11


def test_nothing_found_is_empty(make_record: Make) -> None:
    """Empty: read once settled, and no read of any kind brought an event."""
    assert state_of(make_record(MAIN, ())) is State.EMPTY
    assert state_of(make_record(timedelta(minutes=1), ())) is State.PROVISIONAL
    update = make_record(SWEEP, (1,), filter_by="lastUpdatedDateTime", kind="updates")
    assert state_of(make_record(MAIN, ()), update) is not State.EMPTY


def test_past_retention_is_never_complete(make_record: Make) -> None:
    """A read that Graph had begun to forget completes, verifies and disputes nothing."""
    late = timedelta(days=40)
    forgotten = make_record(late, (0, 0, 3, 97), past_retention=True)
    assert state_of(forgotten) is State.PAST_RETENTION
    assert state_of(make_record(MAIN), forgotten) is State.PROVISIONAL
    assert state_of(make_record(LAST), forgotten) is State.COMPLETE


def test_reads_of_changes_cover_nothing(make_record: Make) -> None:
    """Events that came by their update time leave the interval missing, and are counted."""
    update = make_record(SWEEP, (2,), filter_by="lastUpdatedDateTime", kind="updates")
    assert (only(update).state, only(update).events) == (State.MISSING, 2)


def test_a_replay_is_no_second_read(make_record: Make) -> None:
    """A read loaded again from raw verifies nothing, but stands in where its record is lost."""
    read = make_record(LAST)
    replay = make_record(
        LAST, (0, 0, 100), kind="replay", record_id="r", loaded_at=read.loaded_at + LAST
    )
    assert state_of(read, replay) is State.COMPLETE
    assert state_of(replay) is State.COMPLETE


def test_sweeps_ahead_are_named(make_record: Make) -> None:
    """An interval names the sweeps that no read was late enough to stand for."""
    main, sweep = make_record(MAIN), make_record(SWEEP, (2, 0, 100))
    assert only(main).outstanding == ("6h", "3d")
    assert only(main, sweep).outstanding == ("3d",)
    assert (only(main).late, only(main, sweep).late) == (None, 2)


def test_lateness_scattered_at_random_is_no_cut() -> None:
    """A third of the events late, four of them in a row, is what chance does."""
    assert not shows_a_cut(PartitionCounts(START, 50, 0, 100, 0, 4))
    assert shows_a_cut(PartitionCounts(START, 50, 0, 100, 0, 50))


def test_lateness_says_over_how_many_intervals_it_speaks(make_record: Make) -> None:
    """Late of all, of the intervals that were read in time and again; of others nothing is said."""
    main, sweep = make_record(MAIN), make_record(SWEEP, (2, 0, 100))
    once = make_record(MAIN, start=START + PARTITION)
    span = Window(START, START + 2 * PARTITION)
    assert lateness(states(API, TENANT, [main, sweep, once], span)) == (2, 102, 1)
    assert lateness(states(API, TENANT, [once], span)) == (0, 0, 0)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param({"late": timedelta(hours=3)}, id="not in time"),
        pytest.param({"late": timedelta(minutes=14)}, id="too early"),
        pytest.param({"late": MAIN, "past_retention": True}, id="past retention"),
        pytest.param({"late": MAIN, "filter_by": "lastUpdatedDateTime"}, id="changes"),
    ],
)
def test_without_a_timely_read_nothing_is_late(make_record: Make, first: dict[str, object]) -> None:
    """A catch-up or a single read of an old window does not paint the tenant late."""
    sweep = make_record(timedelta(hours=30), (2, 0, 100))
    assert only(make_record(read_id="1", **first), sweep).late is None


def test_the_last_settled_interval() -> None:
    """An interval is due once the API's settle has passed since its end."""
    assert settled(API, START + timedelta(hours=2, minutes=14)) == START
    assert settled(API, START + timedelta(hours=2, minutes=15)) == START + PARTITION


def test_a_replay_adds_nothing_to_what_is_told(make_record: Make) -> None:
    """A read loaded from raw again, however often, brings no event twice, nor a late one."""
    main, sweep = make_record(MAIN, (100,)), make_record(SWEEP, (2, 0, 100))
    again = [
        replace(
            read,
            record_id=f"{read.read_id}-replay-{n}",
            kind="replay",
            loaded_at=read.loaded_at + timedelta(days=n + 1),
        )
        for read in (main, sweep)
        for n in range(2)
    ]
    told = only(main, sweep, *again)
    assert (told.events, told.late, told.state) == (102, 2, State.VERIFIED)
