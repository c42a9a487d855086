"""Benchmark of a merge: 20,000 events into a partition of a million, beside a plain copy.

    python bench/merge.py                 1,000,000 events and 20,000
    python bench/merge.py 100000 2000     others

The plain copy reads the partition's file and writes it again, row group by row group, with the same
settings; it is the least that any rewriting costs. Each measure is a process of its own.
"""

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import pandas as pd  # noqa: E402, F401 pyarrow imports it at its first conversion: not ours to time
import pyarrow.parquet as pq  # noqa: E402 the path comes first

from bench.sign_ins import SCHEMA, sign_ins  # noqa: E402
from include.entra_logs.catalogue.sign_ins import SIGN_INS  # noqa: E402
from include.entra_logs.lake import layout, open_lake  # noqa: E402
from include.entra_logs.merge import tables  # noqa: E402
from include.entra_logs.merge.partition_file import ROW_GROUP, writer  # noqa: E402

START = datetime(2026, 11, 22, tzinfo=UTC)
READ = START + timedelta(hours=3)
TENANT = "11111111-2222-3333-4444-555555555555"
SORTED = ("created_date_time", "id")
SECONDS = 7200
TURNS = 3


def write(path: Path, events: int, read_at: datetime, seed: int) -> None:
    """A file of so many sign-ins over the two hours."""
    parts = max(1, events // 50_000)
    with writer(path, SCHEMA, SORTED) as out:
        for part in range(parts):
            from_ = START + timedelta(seconds=SECONDS * part / parts)
            made = sign_ins(events // parts, from_, SECONDS // parts, read_at, seed + part)
            out.write_table(made, ROW_GROUP)


def make(folder: Path, events: int, incoming: int) -> None:
    """A lake with one partition, and what is to be merged into it."""
    write(folder / "stored.parquet", events, READ, 1)
    write(folder / "incoming.parquet", incoming, READ + timedelta(hours=4), 1000)


def reset(folder: Path) -> None:
    """The partition as it was before the merge."""
    lake = open_lake((folder / "lake").as_uri())
    lake.store.put(layout.table_file(SIGN_INS.name, TENANT, START), folder / "stored.parquet")


def copy(folder: Path) -> None:
    """Read the partition's file and write it again."""
    stored = pq.ParquetFile(folder / "lake" / layout.table_file(SIGN_INS.name, TENANT, START))
    with writer(folder / "copy.parquet", stored.schema_arrow, SORTED) as out:
        for group in range(stored.num_row_groups):
            out.write_table(stored.read_row_group(group))


def merge(folder: Path) -> tables.MergeCounts:
    """Merge the incoming file into the partition."""
    lake = open_lake((folder / "lake").as_uri())
    read_at = READ + timedelta(hours=4)
    return tables.merge(lake, SIGN_INS.table, TENANT, START, folder / "incoming.parquet", read_at)


def again(folder: Path) -> tables.MergeCounts:
    """The same once more: nothing changes."""
    return merge(folder)


def measured(task: Callable[[Path], Any], folder: Path, found: Any) -> None:
    """Put what the task cost into the queue `found`."""
    began, cpu = time.monotonic(), time.process_time()
    result = task(folder)
    found.put(
        {
            "what": task.__name__,
            "seconds": round(time.monotonic() - began, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "result": str(result or ""),
        }
    )


def main(events: int = 1_000_000, incoming: int = 20_000) -> None:
    """Print a line of JSON for each measure, and the ratio."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir=ROOT / "bench") as name:
        folder = Path(name)
        # Not here: what this process needs at its peak would count as its children's.
        making = spawn.Process(target=make, args=(folder, events, incoming))
        making.start()
        making.join()
        best: dict[str, float] = {}
        peak = 0
        for task in (copy, merge, again) * TURNS:
            if task is copy:
                reset(folder)
            found = spawn.Queue()
            process = spawn.Process(target=measured, args=(task, folder, found))
            process.start()
            cost = found.get(timeout=600)
            process.join()
            print(json.dumps(cost))
            best[task.__name__] = min(best.get(task.__name__, cost["seconds"]), cost["seconds"])
            peak = max(peak, cost["peak_mb"]) if task is merge else peak
        ratio = best["merge"] / best["copy"]
        print(f"a merge costs {ratio:.2f} of a plain copy (best of {TURNS}), {peak} MB at most")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
