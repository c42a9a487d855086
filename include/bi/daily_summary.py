"""Sign-ins of one day by app, as a table of the lake: an example of what is made from its tables.

    summaries/sign_ins_daily/tenant_id=<guid>/date=YYYY-MM-DD/summary.parquet

Made anew as a whole each time, so it may be made as often as one likes.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from include.entra_logs.api import Window
from include.entra_logs.catalogue.sign_ins import SIGN_INS
from include.entra_logs.errors import Transient
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger import ledger, removals
from include.entra_logs.ledger.states import State, states
from include.entra_logs.schema import table_schema

SUMMARY = """
SELECT app_id, max(app_display_name) AS app_display_name, count(*) AS sign_ins,
  count(*) FILTER (status_error_code <> 0) AS failures, count(DISTINCT user_id) AS users
FROM read_parquet(?, union_by_name = true, hive_partitioning = false)
GROUP BY app_id ORDER BY app_id
"""
MEMORY = "512MB"
"""What DuckDB may hold; the rest waits on disk."""


@dataclass(frozen=True)
class Day:
    """How much of a day of one tenant's sign-ins is in the table."""

    tenant_id: str
    window: Window
    intervals: int
    there: int
    """Those of its intervals that were read, and not removed for their age since."""

    @property
    def whole(self) -> bool:
        """Whether all of it is there."""
        return self.there == self.intervals

    def __str__(self) -> str:
        return f"{self.there} of {self.intervals} intervals of {self.window} are there"


def days(lake: Lake, window: Window) -> list[Day]:
    """The day, for each tenant of the lake that has read something of it."""
    records = list(ledger.records(lake, SIGN_INS.name, span=window))
    found = []
    for tenant_id in sorted({r.tenant_id for r in records}):
        removed = removals.removed_before(lake, "tables", SIGN_INS.name, tenant_id)
        known = list(states(SIGN_INS, tenant_id, records, window))
        there = [i for i in known if i.state is not State.MISSING]
        there = [i for i in there if removed is None or i.interval.end > removed]
        found.append(Day(tenant_id, window, len(known), len(there)))
    return found


def summarise(lake: Lake, day: Day) -> int:
    """How many apps the summary of the day has; it is published, whole, in place of any other."""
    with lake.store.scratch() as folder:
        events = folder / "none.parquet"
        pq.write_table(
            table_schema(SIGN_INS.table).empty_table(), events
        )  # all columns, if there is no file
        files = [events, *_partitions(lake, day, folder)]
        summary = folder / "summary.parquet"
        found = _summed_up(files, folder)
        pq.write_table(found, summary, compression="zstd")
        lake.store.put(
            layout.summary_file("sign_ins_daily", day.tenant_id, day.window.start), summary
        )
    return int(found.num_rows)


def _summed_up(files: list[Path], folder: Path) -> pa.Table:
    """The summary of these files. Raises Transient where DuckDB has no memory or no disk left."""
    with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(folder)}) as con:
        try:
            return con.sql(SUMMARY, params=[[str(f) for f in files]]).to_arrow_table()
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise Transient(
                f"DuckDB could not sum up within {MEMORY} of memory and the disk of {folder.parent}"
                ": free some space there, then clear this task; if that does not help, run "
                "`python -m include.entra_logs verify`."
            ) from None


def _partitions(lake: Lake, day: Day, folder: Path) -> list[Path]:
    """The day's files, each in one version, copied or linked to `folder`."""
    found = []
    for start in day.window.partitions():
        target = folder / f"{start:%H}.parquet"
        if lake.store.snapshot(layout.table_file(SIGN_INS.name, day.tenant_id, start), target):
            found.append(target)
    return found
