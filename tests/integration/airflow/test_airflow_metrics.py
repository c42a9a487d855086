"""The metrics of real runs, as a StatsD server on this machine receives them."""

import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils

from include.entra_logs import pipeline
from include.entra_logs.airflow_side import metrics
from include.entra_logs.api import PARTITION
from include.entra_logs.errors import Throttled
from include.entra_logs.lake import open_lake
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.freshness import Freshness
from include.entra_logs.ledger.record import LedgerRecord
from tests.integration.airflow.lookup import Done, late_sign_in, truth

pytestmark = pytest.mark.airflow

RunDag = Callable[..., Done]
Received = Callable[[], dict[str, float]]


def configure() -> None:
    """Metrics as the configuration wants them: what each task process does when it starts."""
    stats.initialize(
        factory=stats_utils.get_stats_factory(),
        export_legacy_names=conf.getboolean("metrics", "legacy_names_on"),
    )


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    """What of ours came since the last call, by name: the sum of a counter, the last gauge."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        server.setblocking(False)
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(server.getsockname()[1]))
        configure()

        def ours() -> dict[str, float]:
            found: Counter[str] = Counter()
            while True:
                try:
                    line = server.recv(65536).decode()
                except BlockingIOError:
                    return dict(found)
                hit = re.fullmatch(r"airflow\.entra_lake\.([^:]+):([\d.]+)\|([cg])", line)
                if hit:
                    found[hit[1]] = float(hit[2]) + (found[hit[1]] if hit[3] == "c" else 0)

        yield ours
    monkeypatch.undo()
    configure()


def last_record(lake: Path) -> LedgerRecord:
    """The ledger's record of the latest load."""
    return max(ledger.records(open_lake(lake.as_uri())), key=lambda r: r.loaded_at)


def test_a_read_and_its_load_are_counted(
    run_dag: RunDag, emulator: Any, lake: Path, interval: datetime, received: Received
) -> None:
    """Requests, pages, events, bytes, waits and what was added: as Graph and the ledger have it."""
    run_dag("entra_sign_ins", interval)
    record = last_record(lake)
    events = len(truth(emulator, "sign_ins", interval, interval + PARTITION))
    assert record.events - record.outside == events > 0
    assert received() == {
        "sign_ins.requests": record.requests,
        "sign_ins.pages": record.pages,
        "sign_ins.events": record.events,
        "sign_ins.bytes": record.bytes,
        "sign_ins.throttles": 0,
        "sign_ins.wait_ms": round(1000 * record.waited),
        "sign_ins.added": events,
        "sign_ins.changed": 0,
        "sign_ins.late": 0,
    }


def test_late_events_are_counted(
    run_dag: RunDag, emulator: Any, lake: Path, recent: datetime, received: Received
) -> None:
    """A second read counts its one event that came after a first read in time."""
    run_dag("entra_sign_ins", recent)
    late_sign_in(emulator, recent + timedelta(minutes=62))
    received()
    run_dag("entra_sign_ins", recent)
    found = received()
    assert (found["sign_ins.added"], found["sign_ins.late"]) == (1, 1)


def test_nothing_asked_nothing_counted(
    run_dag: RunDag, emulator: Any, lake: Path, interval: datetime, received: Received
) -> None:
    """A sweep that had no need to read sends nothing; a replay sends that it was one."""
    run_dag("entra_directory_audits", interval)
    received()
    run_dag("entra_directory_audits_sweep_6h", interval)
    assert received() == {}
    run_dag("entra_directory_audits", interval, source="raw")
    assert received() == {"directory_audits.replays": 1}


def test_throttles_and_waits_are_counted(
    run_dag: RunDag, emulator: Any, lake: Path, interval: datetime, received: Received
) -> None:
    """A refused request is a throttle, and the wait that Graph asked for is a wait.

    It passes a hundred times faster here, and what passes before the next request is due is no
    wait: half of a second, on a busy machine.
    """
    refused = {"kind": "throttled", "api": "sign_ins", "request": 2, "retry_after": 100}
    emulator.plan([refused])  # the first request is that of authenticate
    run_dag("entra_sign_ins", interval)
    assert emulator.plan_hits() == [1]
    found = received()
    assert found["sign_ins.throttles"] == 1
    assert found["sign_ins.wait_ms"] >= 50_000
    assert found["sign_ins.requests"] == found["sign_ins.pages"] + 1


def test_a_pause_is_counted(
    run_dag: RunDag,
    lake: Path,
    interval: datetime,
    received: Received,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wait for which the slot was given back is a pause; the read after it counts as any."""
    whole, asked = pipeline.extract, list[str]()

    def extract(*arguments: Any) -> Any:
        asked.append("extract")
        if len(asked) == 1:
            raise Throttled("Graph asks for a pause.", wait=0.25)
        return whole(*arguments)

    monkeypatch.setattr(pipeline, "extract", extract)
    run_dag("entra_sign_ins", interval)
    found = received()
    assert (found["sign_ins.pauses"], found["sign_ins.pause_ms"]) == (1, 250)
    assert found["sign_ins.requests"] == 1


def test_freshness_is_a_gauge(received: Received) -> None:
    """Seconds since the end of the newest interval; nothing where there is none."""
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    metrics.freshness(Freshness("sign_ins", "tenant", now - hour, hour, 3 * hour))
    metrics.freshness(Freshness("risk_detections", "tenant", None, None, 3 * hour))
    assert received() == {"sign_ins.freshness": 3600}
