"""The first records and notes of a process are read by several threads at once."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FORKED = """
import os, sys, threading
from datetime import UTC, datetime
import msgspec
from include.entra_logs.ledger import objects, removals
from include.entra_logs.ledger.record import FirstSeen, LedgerRecord, PartitionCounts

now = datetime.now(UTC)
names = ("record_id", "read_id", "api", "tenant_id", "kind", "read_kind", "filter_by", "run_id")
times = ("window_start", "window_end", "read_at", "loaded_at")
counts = (PartitionCounts(now, seen=(FirstSeen(now, 1),)),)
record = LedgerRecord(**dict.fromkeys(names, "x"), **dict.fromkeys(times, now), partitions=counts)
note = removals.Recount("x", "x", now, now, (FirstSeen(now, 1),))
bodies = [msgspec.json.encode(each) for each in (record, note)]

def read(barrier):
    barrier.wait()
    objects.decode(bodies[0])
    removals._decoded(bodies[1], removals._RECOUNT)

for _ in range(60):
    if not (pid := os.fork()):
        sys.setswitchinterval(1e-6)
        barrier = threading.Barrier(8)
        threads = [threading.Thread(target=read, args=(barrier,)) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        sys.exit("a process that read them ended")
"""


def test_the_first_reading_by_threads_ends_no_process() -> None:
    """What msgspec works out of a type at its first use is worked out before there are threads."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", FORKED], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
