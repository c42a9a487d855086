"""An updated time that cannot be one must not make a version win for ever."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.entra_logs.lake import open_lake
from tests.kit.rows import DETECTIONS, READ, START, event, load, stored

FAR = [datetime(9999, 12, 31, 23, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)]
LATER = READ + timedelta(hours=6)


@pytest.mark.parametrize("far", FAR, ids=["MaxValue", "MinValue"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "later read first"])
def test_a_version_with_a_time_that_can_be_wins(
    tmp_path: Path, far: datetime, order: tuple[int, int]
) -> None:
    """Whichever read is loaded first; of two without one the later read wins."""
    lake = open_lake((tmp_path / "lake").as_uri())
    reads = [
        ([event("a", last_updated_date_time=far, risk_state="odd")], READ),
        ([event("a", last_updated_date_time=START, risk_state="good")], LATER),
    ]
    for number in order:
        events, read_at = reads[number]
        load(lake, DETECTIONS, events, read_at, tmp_path)
    (row,) = stored(lake, DETECTIONS)
    assert row["risk_state"] == "good"
    again = [event("a", last_updated_date_time=far, risk_state="odd again")]
    load(lake, DETECTIONS, again, LATER + timedelta(hours=6), tmp_path)
    assert stored(lake, DETECTIONS)[0]["risk_state"] == "good"


@pytest.mark.parametrize("far", FAR, ids=["MaxValue", "MinValue"])
def test_of_two_without_a_time_the_later_read_wins(tmp_path: Path, far: datetime) -> None:
    """As where an API has no updated time at all."""
    lake = open_lake((tmp_path / "lake").as_uri())
    for read_at, state in ((READ, "first"), (LATER, "second")):
        odd = event("a", last_updated_date_time=far, risk_state=state)
        load(lake, DETECTIONS, [odd], read_at, tmp_path)
        assert stored(lake, DETECTIONS)[0]["risk_state"] == state
