"""What a load costs in the ledger: it depends neither on its partitions nor on what was loaded."""

from datetime import timedelta

import pytest

from include.entra_logs.api import PARTITION, Window
from include.entra_logs.lake import layout
from include.entra_logs.ledger import ledger
from tests.integration.pipeline.line import Line, main_of, two_hours

MIDNIGHT = two_hours(17, 0).start
AUDITS = main_of("directory_audits")


def test_a_long_backfill_leaves_few_loose_records(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loads roll the ledger up themselves before its records grow many; none is lost."""
    monkeypatch.setattr(ledger, "MOST_LOOSE", 4)
    windows = [Window(at, at + PARTITION) for at in (MIDNIGHT + PARTITION * n for n in range(11))]
    for window in windows:
        line.run(AUDITS, window)
        keys = [found.key for found in line.lake.store.list(layout.ledger_reads())]
        assert sum(key.endswith(layout.RECORD_SUFFIX) for key in keys) <= 4
    assert [record.window for record in ledger.records(line.lake)] == windows


def test_the_ledger_is_read_as_often_for_a_day_as_for_an_interval(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that alters twelve partitions does not ask twelve times what was read of them."""
    asked = []
    table = ledger.table

    def counting(*args, **kwargs):  # noqa: ANN002, ANN003, ANN202  whatever `table` takes and gives
        asked.append(args)
        return table(*args, **kwargs)

    monkeypatch.setattr(ledger, "table", counting)
    line.run(AUDITS, two_hours(16, 10))
    once = len(asked)
    line.run(AUDITS, Window(MIDNIGHT, MIDNIGHT + timedelta(days=1)))
    (record,) = ledger.records(line.lake, span=two_hours(17, 10))
    assert sum(counts.added > 0 for counts in record.partitions) == 12
    assert len(asked) - 1 == 2 * once
