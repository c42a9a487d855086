"""Memory does not grow with the number of events."""

import subprocess
import sys

import pytest

PEAK = """
import json, sys, tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
import pyarrow as pa
from include.entra_logs.api import Window, utc_text
from include.entra_logs.catalogue.sign_ins import SIGN_INS
from include.entra_logs.lake.raw import RawPage
from include.entra_logs.normalise import normalise

start = datetime(2026, 11, 18, 8, tzinfo=UTC)
window = Window(start, start + timedelta(hours=2))
pages = int(sys.argv[1])
step = timedelta(hours=2) / (pages * 1000)

def page(number):
    rows = []
    for row in range(1000):
        at = start + step * (number * 1000 + row)
        rows.append({"id": f"{number}-{row}", "createdDateTime": utc_text(at),
                     "userAgent": f"{number}-{row}" * 100})
    return RawPage(window, json.dumps({"value": rows[::-1]}).encode())

with tempfile.TemporaryDirectory() as folder:
    bodies = map(page, range(pages))
    table = SIGN_INS.table
    found = normalise(table, table.event_time, window, bodies, window.end, Path(folder))
    assert found.distinct == pages * 1000
print(pa.default_memory_pool().max_memory())
"""


def peak(pages: int) -> int:
    """Bytes that Arrow held at most while `pages` pages of 1,000 events were normalised."""
    command = [sys.executable, "-c", PEAK, str(pages)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
def test_four_times_the_events_need_no_more_memory() -> None:
    """Far less than twice, where holding all events would take four times."""
    assert peak(160) < 1.5 * peak(40)
