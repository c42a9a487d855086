"""Benchmark of normalise: JSON pages → Parquet, clean and drifted, beside pandas; memory.

    python bench/normalise.py        200,000 sign-ins, median of five; 1,000,000 for memory
    python bench/normalise.py --events 50000 --repeats 1 --no-memory

The pages lie in a file; each measurement is a process of its own that streams them from there, so
that its time and its peak memory are its own.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.sign_in_pages import WINDOW, Page, pages  # noqa: E402 the path comes first

READ_AT = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)


def store(path: Path, events: int, *, unknown: bool) -> int:
    """Write the pages to `path`, one per line; how many bytes."""
    with path.open("wb") as file:
        return sum(file.write(page.body + b"\n") for page in pages(events, unknown=unknown))


def stored(path: Path, copies: int = 1) -> Iterator[Page]:
    """The pages in `path`, each `copies` times with ids of its own."""
    with path.open("rb") as file:
        for line in file:
            for copy in range(copies):
                body = line.replace(b'{"id":"', b'{"id":"%d' % copy) if copy else line
                yield Page(WINDOW, body)


def one_normalise(path: Path, folder: Path, copies: int) -> dict[str, float]:
    """Our verb: pages to sorted Parquet."""
    import pandas as pd  # noqa: PLC0415 - not counted: the checksum of ids uses it

    from include.entra_logs.catalogue.sign_ins import SIGN_INS  # noqa: PLC0415 - in the measured process alone
    from include.entra_logs.normalise import normalise  # noqa: PLC0415 - in the measured process alone

    assert pd
    start = time.perf_counter()
    done = normalise(
        SIGN_INS.table, SIGN_INS.table.event_time, WINDOW, stored(path, copies), READ_AT, folder
    )
    seconds = time.perf_counter() - start
    size = sum(file.stat().st_size for file in done.files.values())
    return {"events": done.distinct, "seconds": seconds, "bytes": size}


def one_pandas(path: Path, folder: Path, _: int) -> dict[str, float]:
    """What most pipelines do: `json_normalize`, then pandas' default Parquet."""
    import pandas as pd  # noqa: PLC0415 - in the measured process alone

    start = time.perf_counter()
    events = [event for page in stored(path) for event in json.loads(page.body)["value"]]
    pd.json_normalize(events).to_parquet(folder / "pandas.parquet")
    seconds = time.perf_counter() - start
    size = (folder / "pandas.parquet").stat().st_size
    return {"events": len(events), "seconds": seconds, "bytes": size}


JOBS = {"normalise": one_normalise, "pandas": one_pandas}


def measured(job: str, path: Path, copies: int = 1) -> dict[str, float]:
    """One measurement in a process of its own."""
    asked = [sys.executable, __file__, "--job", job, "--path", str(path), "--copies", str(copies)]
    return json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)


def shown(name: str, runs: list[dict[str, float]]) -> float:
    """Print the median of the runs; events per second."""
    seconds = statistics.median(run["seconds"] for run in runs)
    events, peak = runs[0]["events"], max(run["peak"] for run in runs)
    rate = events / seconds
    print(
        f"    {name:34} {rate:9,.0f} events/s  {runs[0]['bytes'] / events:6.1f} bytes/event  "
        f"peak {peak:5.0f} MB",
        flush=True,
    )
    return rate


def compare(events: int, repeats: int, *, memory: bool) -> None:
    """Print the figures side by side."""
    with tempfile.TemporaryDirectory() as folder:
        clean, drifted = Path(folder, "clean.jsonl"), Path(folder, "drifted.jsonl")
        size = store(clean, events, unknown=False)
        store(drifted, events, unknown=True)
        print(f"normalise: {events:,} sign-ins, {size / events:.0f} bytes of JSON each")
        rate = shown("as declared", [measured("normalise", clean) for _ in range(repeats)])
        slow = shown(
            "one new property on every event",
            [measured("normalise", drifted) for _ in range(repeats)],
        )
        shown("pandas.json_normalize, to_parquet", [measured("pandas", clean)])
        print(f"    clean : drifted = {rate / slow:.2f}; where clean makes 50,000 events/s,")
        print(f"    drifted makes {50_000 * slow / rate:,.0f}")
        if memory:
            peaks = [measured("normalise", clean, copies)["peak"] for copies in (1, 5)]
            print(f"    peak memory {events:,} events {peaks[0]:.0f} MB, {events * 5:,} events")
            print(f"    {peaks[1]:.0f} MB: {peaks[1] / peaks[0] - 1:+.1%}", flush=True)


def main() -> None:
    """Run the comparison, or one job of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--copies", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.job:
        compare(given.events, given.repeats, memory=not given.no_memory)
        return
    with tempfile.TemporaryDirectory() as folder:
        found = JOBS[given.job](given.path, Path(folder), given.copies)
    found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


if __name__ == "__main__":
    main()
