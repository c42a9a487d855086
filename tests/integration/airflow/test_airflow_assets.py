"""The asset events of real runs: which interval, how many events, and when there is none."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs.api import PARTITION, partition_start, utc_text
from tests.integration.airflow.lookup import Done, late_sign_in, truth

pytestmark = pytest.mark.airflow

RunDag = Callable[..., Done]


def key(start: datetime) -> str:
    """The partition key of the interval that starts there."""
    return f"{start:%Y-%m-%dT%H:%M:%S}"


@pytest.mark.parametrize("api", ["sign_ins", "directory_audits", "risk_detections"])
def test_a_read_interval_is_there(
    run_dag: RunDag, emulator: Any, lake: Path, interval: datetime, api: str
) -> None:
    """One event, of the table, keyed by the interval, with the counts of what Graph had."""
    done = run_dag(f"entra_{api}", interval)
    events = len(truth(emulator, api, interval, interval + PARTITION))
    assert done.asset_events == {
        (f"entra-lake://tables/{api}", key(interval)): {
            "tenant_ids": [emulator.connection["extra"]["tenant_id"]],
            "kind": "main",
            "window_start": utc_text(interval),
            "window_end": utc_text(interval + PARTITION),
            "rows": events,
            "added": events,
            "changed": 0,
            "late": 0,
        }
    }


def test_what_changes_nothing_starts_nothing(
    run_dag: RunDag, emulator: Any, lake: Path, interval: datetime
) -> None:
    """No event of a sweep that had no need to read, nor of a read that brought what was there."""
    assert run_dag("entra_sign_ins", interval).asset_events
    for dag_id in ("entra_sign_ins_sweep_6h", "entra_sign_ins_sweep_3d", "entra_sign_ins"):
        done = run_dag(dag_id, interval)
        assert (done.state, done.asset_events) == ("success", {})
        said = {"6h": "sweep 6h: nothing to do", "3d": "sweep 3d: nothing to do"}
        assert said.get(dag_id[-2:], "0 added (0 late), 0 changed") in done.text


def test_late_events_are_a_change(
    run_dag: RunDag, emulator: Any, lake: Path, recent: datetime
) -> None:
    """What a second read adds is an event of the changes, told as late."""
    run_dag("entra_sign_ins", recent)
    late_sign_in(emulator, recent + timedelta(minutes=61))
    ((asset, extra),) = run_dag("entra_sign_ins", recent).asset_events.items()
    assert asset == ("entra-lake://changes/sign_ins", key(recent))
    assert (extra["added"], extra["late"], extra["changed"]) == (1, 1, 0)
    assert extra["rows"] == len(truth(emulator, "sign_ins", recent, recent + PARTITION))


def test_a_replay_is_a_change(
    run_dag: RunDag, emulator: Any, lake: Path, interval: datetime
) -> None:
    """The table is made again from raw: told as a replay, and nothing of it as late."""
    run_dag("entra_directory_audits", interval)
    done = run_dag("entra_directory_audits", interval, source="raw")
    assert "replay of 1 read: " in done.text
    ((asset, extra),) = done.asset_events.items()
    assert asset == ("entra-lake://changes/directory_audits", key(interval))
    assert (extra["kind"], extra["late"]) == ("replay", 0)


def test_an_explicit_window_may_touch_many_intervals(
    run_dag: RunDag, emulator: Any, lake: Path, interval: datetime
) -> None:
    """The intervals that it covers are there; those that it cuts have changed."""
    start, end = interval + timedelta(minutes=60), interval + 2 * PARTITION + timedelta(minutes=60)
    done = run_dag(
        "entra_sign_ins", interval - 40 * PARTITION, start=start.isoformat(), end=end.isoformat()
    )
    assert set(done.asset_events) == {
        ("entra-lake://changes/sign_ins", key(interval)),
        ("entra-lake://tables/sign_ins", key(interval + PARTITION)),
        ("entra-lake://changes/sign_ins", key(interval + 2 * PARTITION)),
    }


def test_updates_tell_the_intervals_that_they_changed(
    run_dag: RunDag, emulator: Any, lake: Path, interval: datetime
) -> None:
    """A read of changes is an event for each interval that it brought something to."""
    start, changed = interval, frozenset[tuple[str, str]]()
    while not changed:
        start += PARTITION
        end = start + PARTITION
        changed = emulator.truth("risk_detections", start, end, by="lastUpdatedDateTime").ids
    done = run_dag("entra_risk_detections_updates", start)
    touched = {partition_start(datetime.fromisoformat(at)) for _, at in changed}
    assert set(done.asset_events) == {
        ("entra-lake://changes/risk_detections", key(start)) for start in touched
    }
