"""How Airflow is asked which runs are red, made, or under way: it only counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from include.entra_logs.api import PARTITION
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.watch.asking import AT_ONCE, runs_of
from tests.kit.months import NOW, at, healthy, look

API = CATALOGUE["sign_ins"]
HEALTHY = healthy(API)


@dataclass
class Airflow:
    """An Airflow that counts its runs, and how often it was asked."""

    runs: dict[tuple[str, datetime], str]
    asked: list[int] = field(default_factory=list)

    def count(self, dag_id: str, dates: Sequence[datetime], states: Sequence[str]) -> int:
        """How many runs there are; an empty sequence means any."""
        self.asked.append(len(dates))
        return sum(
            dag == dag_id and (not dates or date in dates) and (not states or state in states)
            for (dag, date), state in self.runs.items()
        )


def test_health_costs_one_question_a_dag() -> None:
    """All green and nothing overdue: no date is sent at all."""
    airflow = Airflow({("entra_sign_ins", at(20, 8)): "success"})
    runs = runs_of(look(API, HEALTHY), airflow.count)
    assert not any(runs.failed.values())
    assert airflow.asked == [0, 0, 0]


@given(st.frozensets(st.integers(0, 320), max_size=12), st.booleans())
def test_exactly_the_red_runs_are_found(numbers: frozenset[int], old: bool) -> None:  # noqa: FBT001  drawn
    """Wherever they lie; red runs before the horizon are not told, and questions stay bounded."""
    seen = look(API, HEALTHY)
    red = {seen.starts()[n] for n in numbers}
    runs = {("entra_sign_ins", start): "failed" for start in red}
    if old:
        runs["entra_sign_ins", seen.since - PARTITION] = "failed"
    airflow = Airflow(runs)
    found = runs_of(seen, airflow.count)
    assert found.failed["entra_sign_ins"] == red
    assert found.failed["entra_sign_ins_sweep_6h"] == frozenset()
    assert max(airflow.asked) <= AT_ONCE
    assert len(airflow.asked) <= 3 + 6 + 12 * len(red) + 12


def test_what_is_overdue_is_asked_for_its_run() -> None:
    """Made, under way, or neither."""
    gap = (at(20, 8), at(20, 10), at(20, 12))
    records = [r for r in HEALTHY if r.window_start not in gap]
    states = {at(20, 8): "success", at(20, 10): "queued"}
    airflow = Airflow({("entra_sign_ins", start): state for start, state in states.items()})
    runs = runs_of(look(API, records, NOW), airflow.count)
    assert runs.made["entra_sign_ins"] == frozenset(gap[:2])
    assert runs.under_way["entra_sign_ins"] == frozenset(gap[1:2])
