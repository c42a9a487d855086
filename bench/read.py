"""Benchmark of a read: (a) share of the budget, (b) throughput, (c) memory.

    python bench/read.py            all three
    python bench/read.py a c        some of them
    python bench/read.py --scale 10  (a) with time scaled by 10 instead of 6

Everything runs against the Graph emulator, a process of its own, over TLS on loopback, into a lake
in a temporary folder. Each read is a process of its own as well, so that its memory is its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from include.entra_logs.api import Window  # noqa: E402 the path comes first
from include.entra_logs.catalogue import CATALOGUE  # noqa: E402
from include.entra_logs.graph import GraphClient, Limits, from_fields  # noqa: E402
from include.entra_logs.lake import open_lake, raw, staging  # noqa: E402
from include.graph_emulator.ceiling import measure  # noqa: E402
from include.graph_emulator.process import Emulator, start_emulator  # noqa: E402

API = CATALOGUE["sign_ins"]
NOW = "2026-11-22T12:00:00Z"
DAY = datetime(2026, 11, 18, tzinfo=UTC)
WHOLE_DAY = Window(DAY, DAY + timedelta(days=1))
LATENCY = 5.0
PAGE = 100
"""Rows of a page in (a): what counts there is the number of requests."""
WINDOWS = 70
"""Windows of the budget (5 requests in 10 seconds) over which (a) measures."""


def one_read(job: dict[str, Any]) -> dict[str, Any]:
    """Read a window into raw, in this process: counts, seconds, peak memory in MB."""
    given = job["connection"]
    fields = (given["login"], given["password"], given["schema"], given["host"], None)
    window = Window(*map(datetime.fromisoformat, job["window"]))
    limits = Limits(slices=job["slices"])
    client = GraphClient(from_fields(*fields, given["extra"]), pace=job["pace"], limits=limits)
    with client, tempfile.TemporaryDirectory() as folder:
        tenant_id = client.authenticate(API, window, API.table.event_time).tenant_id
        staged = staging.open_read(
            open_lake(Path(folder).as_uri()), API.name, tenant_id, window, kind="main",
            filter_by=API.table.event_time, run_id="bench", attempt=1, now=datetime.now(UTC),
        )  # fmt: skip
        began = time.monotonic()
        summary = client.read(API, window, API.table.event_time, staged)
        read = time.monotonic() - began
        raw.publish(staged, summary, past_retention=False, settle=API.settle)
        found = asdict(summary) | {"read_at": None, "read": read}
        found["seconds"] = time.monotonic() - began
    found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def read(emulator: Emulator, window: Window, pace: float = 0, slices: int = 8) -> dict[str, Any]:
    """`one_read` in a process of its own."""
    job = {
        "connection": emulator.connection, "pace": pace, "slices": slices,
        "window": [window.start.isoformat(), window.end.isoformat()],
    }  # fmt: skip
    command = [sys.executable, __file__, "--job", json.dumps(job)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def budget(scale: float) -> None:
    """(a) How much of the audit budget a read uses at 5 s a page, and a serial reader beside it."""
    pages = WINDOWS * API.budget.requests + 10
    print(f"(a) {LATENCY:.0f} s a page, 5 requests in 10 s, time scaled by {scale:g}", flush=True)
    for name, slices, share in (("this client", 8, 1.0), ("serial reader", 1, 0.4)):
        with start_emulator(
            now=NOW, speed=0, page_cap=PAGE, sign_ins_per_day=pages * PAGE * share,
            time_scale=scale, latency=LATENCY,
        ) as emulator:  # fmt: skip
            emulator.render(API.name, WHOLE_DAY.start, WHOLE_DAY.end)
            found = read(emulator, WHOLE_DAY, pace=1 / scale, slices=slices)
            seen = emulator.stats()[API.name]
        windows = found["read"] * scale / API.budget.seconds
        print(
            f"    {name:13} {found['requests']} requests over {windows:.1f} windows: share "
            f"{found['requests'] / windows / API.budget.requests:.3f}, refused {seen['refused']} "
            f"({seen['refused'] / seen['requests']:.2%}), {found['pages']} pages for "
            f"{found['events']} events in {found['read']:.0f} s",
            flush=True,
        )


def throughput() -> None:
    """(b) Events and MB a second from HTTP to raw, and the emulator's own ceiling."""
    window = Window(DAY + timedelta(hours=8), DAY + timedelta(hours=10))
    with start_emulator(
        now=NOW, speed=0, sign_ins_per_day=1_000_000.0, throttling=False, cache_mb=4096
    ) as emulator:
        emulator.render(API.name, window.start, window.end)
        found = read(emulator, window)
    rate, size = found["events"] / found["seconds"], found["bytes"] / 1e6 / found["seconds"]
    print("(b) without latency, from HTTP to raw")
    print(
        f"    this client   {found['events']:,} events, {found['bytes'] / 1e6:,.0f} MB in "
        f"{found['seconds']:.2f} s (reading {found['read']:.2f}): {rate:,.0f} events/s, "
        f"{size:,.0f} MB/s"
    )
    top = measure()
    print(f"    the emulator  {top}")
    print(f"    ceiling over client: {top.bytes / 1e6 / top.seconds / size:.1f}", flush=True)


def memory() -> None:
    """(c) Peak memory of the reading process for about 100 thousand and 1 million events."""
    print("(c) peak memory of the reading process")
    peaks = []
    with start_emulator(
        now=NOW, speed=0, sign_ins_per_day=1_000_000.0, throttling=False
    ) as emulator:
        for start, end in ((8, 10), (0, 24)):
            window = Window(DAY + timedelta(hours=start), DAY + timedelta(hours=end))
            found = read(emulator, window)
            peaks.append(found["peak"])
            print(
                f"    {found['events']:9,} events, {found['pages']} pages: {found['peak']:.1f} MB",
                flush=True,
            )
    print(f"    growth {peaks[1] / peaks[0] - 1:+.1%}", flush=True)


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", help="a, b, c; all of them by default")
    parser.add_argument("--scale", type=float, default=6.0, help="of time in (a), at most 10")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        print(json.dumps(one_read(given.job)))
        return
    parts = {"a": lambda: budget(given.scale), "b": throughput, "c": memory}
    for part in given.parts or parts:
        parts[part]()


if __name__ == "__main__":
    main()
