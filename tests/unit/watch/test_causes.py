"""Which causes a ledger and Airflow's runs make: each of its own fault alone, none of health."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from include.entra_logs.api import PARTITION, Api, Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.ledger.record import LedgerRecord, PartitionCounts
from include.entra_logs.watch.cause import Cause, Kind
from include.entra_logs.watch.causes import causes
from include.entra_logs.watch.seen import Runs, see
from tests.kit.months import DAYS, FIRST, NOW, TENANT, at, healthy, look, record, without

API = CATALOGUE["sign_ins"]
RISKS = CATALOGUE["risk_detections"]
MAIN, SWEEP_6H, SWEEP_3D = API.schedules()
Records = list[LedgerRecord]


def told(found: list[Cause]) -> list[tuple[Kind, str, str]]:
    """Kind, name and window of each cause."""
    return [(c.topic.kind, c.topic.name, str(c.window or "")) for c in found]


@pytest.mark.parametrize("api", CATALOGUE.values(), ids=list(CATALOGUE))
def test_a_healthy_month_has_no_cause(api: Api) -> None:
    """At whatever moment one looks, from before the first interval was due to the month's end."""
    looked = 0
    for minutes in [*range(0, 360, 7), *range(0, 2880, 97), *range(37000, 39400, 97)]:
        now = FIRST + timedelta(minutes=minutes)
        assert causes(look(api, healthy(api, now), now), Runs()) == []
        assert causes(look(api, healthy(api, now), now)) == []
        looked += 1
    assert looked > 100


def disputed(records: Records) -> Records:
    """A sweep lacked events that the main read had brought."""
    counts = PartitionCounts(at(20, 8), 0, 0, 60, 40)
    return [
        replace(r, partitions=(counts,))
        if r.kind == "sweep_6h" and r.window_start == at(20, 8)
        else r
        for r in records
        if not (r.kind == "sweep_3d" and r.window_start == at(20, 8))
    ] + [record(SWEEP_3D, at(20, 8), partitions=(PartitionCounts(at(20, 8), 0, 0, 60, 40),))]


def changed(**fields: object) -> Callable[[Records], Records]:
    """All reads of one interval with fields changed."""
    return lambda records: [
        replace(r, **fields) if r.window_start == at(20, 8) else r for r in records
    ]


EIGHT = str(Window(at(20, 8), at(20, 10)))


@pytest.mark.parametrize(
    ("breaks", "expected", "remedy"),
    [
        pytest.param(
            lambda records: [r for r in records if r.window_start < at(28, 8)],
            (Kind.BEHIND, "", ""),
            "Look at the runs of entra_sign_ins",
            id="behind",
        ),
        pytest.param(
            lambda records: without(records, at(20, 8)),
            (Kind.MISSING, "entra_sign_ins", EIGHT),
            "airflow backfill create --dag-id entra_sign_ins --from-date 2026-11-20T08:00:00Z "
            "--to-date 2026-11-20T08:00:00Z --reprocess-behavior completed "
            '--dag-run-conf \'{"source": "graph"}\'',
            id="missing",
        ),
        pytest.param(
            lambda records: [
                r for r in records if not (r.kind == "sweep_3d" and r.window_start == at(20, 8))
            ],
            (Kind.MISSING, "entra_sign_ins_sweep_3d", EIGHT),
            "--dag-id entra_sign_ins_sweep_3d --from-date 2026-11-20T08:00:00Z",
            id="not swept",
        ),
        pytest.param(
            disputed,
            (Kind.DISPUTED, "", EIGHT),
            "--dag-id entra_sign_ins --from-date 2026-11-20T08:00:00Z",
            id="disputed",
        ),
        pytest.param(
            changed(rejects=3),
            (Kind.REJECTS, "", EIGHT),
            '--dag-run-conf \'{"source": "raw"}\'',
            id="rejects",
        ),
        pytest.param(
            changed(conflicts=2),
            (Kind.CONFLICTS, "", EIGHT),
            "Let a later read decide: `airflow backfill create --dag-id entra_sign_ins",
            id="conflicts",
        ),
        pytest.param(
            changed(surprises={"newThing: string": 7}),
            (Kind.SURPRISE, "newThing: string", ""),
            "python -m include.entra_logs.metadata.take --version v1.0 --from FILE",
            id="surprise",
        ),
    ],
)
def test_each_fault_is_one_cause(
    breaks: Callable[[Records], Records], expected: tuple[Kind, str, str], remedy: str
) -> None:
    """One fault in a healthy month: one cause of its kind, with what to do; nothing else."""
    found = causes(look(API, breaks(healthy(API))))
    assert told(found) == [expected]
    assert remedy in found[0].remedy
    assert found[0].topic.tenant_id == TENANT


def test_a_search_for_changes_that_was_left_out_is_missing() -> None:
    """Risk detections are read by their changes too: its own DAG, its own cause."""
    records = [r for r in healthy(RISKS) if r.kind != "updates" or r.window_start != at(20, 8)]
    assert told(causes(look(RISKS, records))) == [
        (Kind.MISSING, "entra_risk_detections_updates", EIGHT)
    ]


GAP = frozenset({at(20, 8)})


@pytest.mark.parametrize(
    ("runs", "kind", "says", "under_way"),
    [
        (Runs(), Kind.MISSING, "Airflow never made a run of entra_sign_ins for it", False),
        (Runs(made={"entra_sign_ins": GAP}), Kind.MISSING, "has a run for it that is not", False),
        (
            Runs(made={"entra_sign_ins": GAP}, under_way={"entra_sign_ins": GAP}),
            Kind.MISSING,
            "its run waits or runs",
            True,
        ),
        (
            Runs(made={"entra_sign_ins": GAP}, failed={"entra_sign_ins": GAP}),
            Kind.FAILED,
            "the run of entra_sign_ins for [2026-11-20T08:00:00Z, 2026-11-20T10:00:00Z) failed",
            False,
        ),
    ],
    ids=["never made", "made, not red", "under way", "failed"],
)
def test_what_airflow_knows_of_a_gap_is_said(
    runs: Runs, kind: Kind, says: str, *, under_way: bool
) -> None:
    """One cause for the gap; its sentence says why, and a red run takes the place of missing."""
    records = [r for r in healthy(API) if r.window_start != at(20, 8)]
    (found,) = causes(look(API, records), runs)
    assert (found.topic.kind, found.under_way) == (kind, under_way)
    assert says in found.says


@pytest.mark.parametrize(
    ("runs", "says", "remedy"),
    [
        (Runs(), "Airflow has made no run of entra_sign_ins since", "airflow dags unpause"),
        (
            Runs(
                made={"entra_sign_ins": frozenset({at(28, 6)})},
                under_way={"entra_sign_ins": frozenset({at(28, 6)})},
            ),
            "for 2026-11-28 06:00 UTC is not done",
            "the pool entra_audit_logs exists and has a free slot",
        ),
        (
            Runs(failed={"entra_sign_ins": frozenset({at(28, 6)})}),
            "Runs of entra_sign_ins failed, the first for 2026-11-28 06:00 UTC",
            "red",
        ),
    ],
    ids=["paused", "waiting", "failing"],
)
def test_behind_says_what_holds_it_up(runs: Runs, says: str, remedy: str) -> None:
    """The intervals that it lacks are no causes beside it; a red run is, as it can be cleared."""
    records = [r for r in healthy(API) if r.window_start < at(28, 4)]
    found = causes(look(API, records), runs)
    assert found[0].topic.kind is Kind.BEHIND
    assert "2026-11-28 04:00 UTC" in found[0].says
    assert says in found[0].says
    assert remedy in found[0].remedy
    rest = {c.topic.kind for c in found[1:]}
    assert rest == ({Kind.FAILED} if runs.failed else set())


def test_what_holds_it_up_is_said_from_the_first_moment() -> None:
    """Behind by a little, the interval that it lacks has not been due for long."""
    records = [r for r in healthy(API) if r.window_start < at(28, 8)]
    (found,) = causes(look(API, records), Runs())
    assert "ended 2026-11-28 08:00 UTC" in found.says
    assert "Airflow has made no run of entra_sign_ins since" in found.says


def test_nothing_read_is_behind_once_the_first_interval_should_be_in() -> None:
    """A fresh installation is left alone for as long as the target allows."""
    early, late = FIRST + API.freshness, FIRST + API.freshness + timedelta(minutes=1)
    assert causes(look(API, [], early)) == []
    (found,) = causes(look(API, [], late))
    assert (found.topic.kind, found.window) == (Kind.BEHIND, None)
    assert "no interval since 2026-11-01 00:00 UTC is in the lake" in found.says


def test_neighbours_are_one_cause() -> None:
    """A gap of three intervals and one apart from it: two ranges, each with its command."""
    records = without(healthy(API), at(20, 8), at(20, 10), at(20, 12), at(21, 0))
    found = [c for c in causes(look(API, records)) if c.topic.name == "entra_sign_ins"]
    assert [c.window for c in found] == [
        Window(at(20, 8), at(20, 14)),
        Window(at(21, 0), at(21, 2)),
    ]
    assert "--from-date 2026-11-20T08:00:00Z --to-date 2026-11-20T12:00:00Z " in found[0].remedy
    assert found[0].key == (
        f"missing sign_ins {TENANT} entra_sign_ins [2026-11-20T08:00:00Z, 2026-11-20T14:00:00Z)"
    )


def test_a_gap_is_no_cause_while_it_is_younger_than_the_target() -> None:
    """While runs catch up four at a time, a newer one may be done first."""
    records = without(healthy(API), at(28, 8))
    after = at(28, 10) + MAIN.settle + API.freshness
    records += [record(MAIN, at(28, 10))]
    assert causes(look(API, records, after)) == []
    found = causes(look(API, records, after + timedelta(seconds=1)))
    assert (Kind.MISSING, "entra_sign_ins") in [(c.topic.kind, c.topic.name) for c in found]


def test_without_a_schedule_only_gaps_between_reads_are_told() -> None:
    """ENTRA_START unset: nobody is behind, nothing is swept on its own."""
    records = [record(MAIN, start) for start in (at(20, 8), at(20, 12))]
    seen = see(API, TENANT, records, NOW, start=None, horizon=DAYS)
    assert told(causes(seen, Runs())) == [
        (Kind.MISSING, "entra_sign_ins", str(Window(at(20, 10), at(20, 12))))
    ]


def test_what_graph_forgets_is_not_looked_at() -> None:
    """A gap, a reject and a surprise older than the retention are no causes."""
    broken = [replace(r, rejects=1, surprises={"old: string": 1}) for r in healthy(API)]
    records = [r for r in broken if r.window_start != at(2, 8)]
    now = at(28, 12) + timedelta(minutes=20)
    seen = see(API, TENANT, records, now, start=FIRST, horizon=timedelta(days=7))
    assert seen.since == at(21, 14)
    assert min(seen.starts()) == at(21, 14)
    (rejects, surprise) = causes(seen)
    assert rejects.window is not None
    assert (rejects.topic.kind, rejects.window.start) == (Kind.REJECTS, at(21, 14))
    assert surprise.topic.kind is Kind.SURPRISE


def test_a_property_without_a_value_is_no_cause() -> None:
    """Graph sends names without a column whose value is null: nothing is left out of the table."""
    records = [replace(r, surprises={"initiatedBy.user.userType: null": 9}) for r in healthy(API)]
    now = at(28, 12) + timedelta(minutes=20)
    seen = see(API, TENANT, records, now, start=FIRST, horizon=timedelta(days=7))
    assert causes(seen) == []


@pytest.mark.parametrize("kind", ["sweep_6h", "replay"])
def test_a_later_read_or_load_ends_rejects_and_surprises(kind: str) -> None:
    """What the newest load of the newest read of a window says, counts."""
    first = record(MAIN, at(20, 8), rejects=2, surprises={"x: string": 2})
    if kind == "replay":
        again = replace(first, record_id="again", kind=kind, loaded_at=NOW, rejects=0, surprises={})
    else:
        again = record(SWEEP_6H, at(20, 8))
    rest = [r for r in healthy(API) if (r.window_start, r.kind) != (at(20, 8), "main")]
    rest = [r for r in rest if r.window_start != at(20, 8) or r.kind == "sweep_3d"]
    assert len(told(causes(look(API, [first])))) > 0
    kinds = {c.topic.kind for c in causes(look(API, [*rest, first, again]))}
    assert not kinds & {Kind.REJECTS, Kind.SURPRISE}


def test_other_tenants_and_apis_are_others_matter() -> None:
    """A neighbour's records neither fill a gap nor make a cause."""
    records = without(healthy(API), at(20, 8))
    foreign = [
        record(MAIN, at(20, 8), tenant_id="another", rejects=5),
        record(MAIN, at(20, 8), api="directory_audits", rejects=5),
    ]
    found = causes(look(API, [*records, *foreign]))
    assert [c.topic.kind for c in found] == [Kind.MISSING]


def test_an_interval_is_overdue_by_its_own_delay() -> None:
    """A sweep counts from when it is due, not from the interval's end."""
    start = at(20, 8)
    swept = [r for r in healthy(API) if r.kind == "sweep_6h" and r.window_start == start]
    records = [r for r in healthy(API) if r not in swept]
    records = [r for r in records if r.read_at < start + PARTITION + timedelta(hours=8)]
    due: datetime = start + PARTITION + SWEEP_6H.settle + API.freshness
    early = look(API, records, due).overdue["entra_sign_ins_sweep_6h"]
    late = look(API, records, due + timedelta(seconds=1)).overdue["entra_sign_ins_sweep_6h"]
    assert (start in early, start in late) == (False, True)
