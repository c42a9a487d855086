"""The benches of peers and questions run, on little data; the figures are for `make bench`."""

from pathlib import Path

import pytest

from bench.peers.contest import BARE, DLT, PROJECT, PROVIDER, Contender, data_set, has_dlt, round_of
from bench.questions import show_times
from include.bi.questions import questions


@pytest.mark.slow
def test_contenders_read_the_same() -> None:
    """Each contender runs in a process of its own, and all find the same events."""
    contenders: list[Contender] = [PROJECT, BARE, PROVIDER, *([DLT] if has_dlt() else [])]
    with data_set(2_000) as (_, task):
        costs = {contender.name: round_of(contender, task) for contender in contenders}
    assert len({cost.events for cost in costs.values()}) == 1, costs
    assert all(cost.events > 0 and cost.peak > 0 and cost.published > 0 for cost in costs.values())


def test_every_question_is_timed(company_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The bench of questions has a line for each of the ten."""
    show_times(company_lake, rounds=1)
    printed = capsys.readouterr().out
    assert all(name in printed for name in questions())
