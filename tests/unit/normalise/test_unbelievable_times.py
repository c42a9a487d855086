"""Times that no event can have: .NET's MinValue and MaxValue, 1969, the day after tomorrow."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs.api import utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.normalise import rebuild_event
from tests.kit.events import EVER, READ_AT, page_of, run

RISKS = CATALOGUE["risk_detections"]
AT = "2026-11-22T08:00:00Z"
TOMORROW = READ_AT + timedelta(days=1)
TICK = timedelta(microseconds=1)
UNBELIEVABLE = [
    "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59.9999999Z",
    "1999-12-31T23:59:59.9999999Z",
    utc_text(TOMORROW),
    "9999-12-31T23:59:59.9999999Z",
    "9999-12-31T22:00:00-14:00",
]


def detection(number: int, at: str, updated: str | None = AT, **more: Any) -> dict[str, Any]:
    """A detection; of several with one number and time it is one event."""
    return {"id": f"e{number}", "detectedDateTime": at, "lastUpdatedDateTime": updated} | more


@pytest.mark.parametrize("at", UNBELIEVABLE)
@pytest.mark.parametrize("filter_by", ["detectedDateTime", "lastUpdatedDateTime"])
def test_an_event_of_no_time_that_can_be_is_a_reject(
    tmp_path: Path, at: str, filter_by: str
) -> None:
    """It is counted, no partition is made for it, and the others go on."""
    pages = [page_of([detection(1, AT), detection(2, at)])]
    done, rows = run(RISKS, pages, tmp_path, EVER, filter_by)
    assert [row["id"] for row in rows] == ["e1"]
    assert (done.events, done.distinct, done.rejects, done.outside) == (2, 1, 1, 0)


@pytest.mark.parametrize(
    "at", ["2000-01-01T00:00:00Z", utc_text(TOMORROW - TICK)], ids=["first", "last"]
)
def test_the_first_and_the_last_moment_that_can_be(tmp_path: Path, at: str) -> None:
    """Both belong to the times that are believed."""
    done, rows = run(RISKS, [page_of([detection(1, at)])], tmp_path)
    assert (len(rows), done.rejects) == (1, 0)


@pytest.mark.parametrize("updated", [each for each in UNBELIEVABLE if "-14:" not in each])
@pytest.mark.parametrize("first", [False, True], ids=["answered last", "answered first"])
def test_a_version_of_no_time_that_can_be_is_the_oldest(
    tmp_path: Path, updated: str, *, first: bool
) -> None:
    """It loses against any that has one; what Graph sent stays in its column."""
    odd, good = detection(1, AT, updated, riskState="odd"), detection(1, AT, riskState="good")
    events = [odd, good] if first else [good, odd]
    _, rows = run(RISKS, [page_of([*events, detection(2, AT, updated)])], tmp_path)
    assert [row["risk_state"] for row in rows] == ["good", None]
    kept = rebuild_event(rows[1], RISKS.table)["lastUpdatedDateTime"]
    assert kept.rstrip("Z") == updated.rstrip("Z")[:26]
