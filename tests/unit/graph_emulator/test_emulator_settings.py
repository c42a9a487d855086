"""Settings that change how the emulator answers."""

import time

from include.graph_emulator.process import Emulator
from tests.unit.graph_emulator.emulator_reader import END, START, Reader

WINDOW = f"$filter=createdDateTime ge {START} and createdDateTime le {END}"


def test_gzip(reader: Reader, emulator: Emulator) -> None:
    """Pages can come compressed, to clients that accept it."""
    plain = reader.ask("sign_ins", WINDOW)
    emulator.change(gzip=True)
    try:
        zipped = reader.ask("sign_ins", WINDOW)
        assert zipped.headers["content-encoding"] == "gzip"
        assert int(zipped.headers["content-length"]) < len(plain.content) / 3
        assert zipped.json()["value"] == plain.json()["value"]
    finally:
        emulator.change(gzip=False)


def test_oversized_top(reader: Reader, emulator: Emulator) -> None:
    """More than the maximum can be refused instead of clamped."""
    emulator.change(oversized_top="reject")
    try:
        answer = reader.ask("sign_ins", "$top=1001")
        assert answer.status_code == 400
        assert "limit of '1000'" in answer.json()["error"]["message"]
    finally:
        emulator.change(oversized_top="clamp")


def test_page_cap(reader: Reader, emulator: Emulator) -> None:
    """Pages can be kept small, whatever a client asks for."""
    emulator.change(page_cap=5)
    try:
        assert len(reader.ask("sign_ins", "$top=1000").json()["value"]) == 5
        assert len(reader.ask("risk_detections").json()["value"]) == 5
    finally:
        emulator.change(page_cap=None)


def test_options_can_be_allowed(reader: Reader, emulator: Emulator) -> None:
    """What Graph allows on audit logs is not known for sure, so it is a setting."""
    emulator.change(refuse_options=[])
    try:
        page = reader.ask("directory_audits", "$select=id,category&$top=2").json()
        assert [list(event) for event in page["value"]] == [["id", "category"]] * 2
        assert "@microsoft.graph.tips" not in page
    finally:
        emulator.change(refuse_options=["$select", "$skip", "$count"])


def test_latency_and_slow_windows(reader: Reader, emulator: Emulator) -> None:
    """A page takes its time, a wide window much more; both pass `time_scale` times faster."""
    emulator.change(latency=3, slow_wider_than=3600, slow_seconds=6, time_scale=20)
    try:
        began = time.monotonic()
        reader.ask("sign_ins", "$top=1&$filter=createdDateTime ge 2026-11-20T11:30:00Z")
        narrow = time.monotonic() - began
        reader.ask("sign_ins", f"$top=1&{WINDOW}")
        wide = time.monotonic() - began - narrow
        assert narrow > 0.13
        assert wide > 0.4
    finally:
        emulator.change(latency=0, slow_wider_than=None, time_scale=1)


def test_stats_and_log(reader: Reader, emulator: Emulator) -> None:
    """Requests are counted per API, with what they carried, and the last ones are listed."""
    reader.ask("sign_ins", "$top=3")
    reader.bearer = ""
    reader.ask("sign_ins", "$top=3")
    counted = emulator.stats()["sign_ins"]
    assert (counted["requests"], counted["bearer"], counted["rows"]) == (2, 1, 3)
    assert counted["statuses"] == {"200": 1, "401": 1}
    assert counted["in_flight"] == 0
    asked = [entry for entry in emulator.log() if "url" in entry and entry["api"] == "sign_ins"]
    assert [entry["status"] for entry in asked] == [200, 401]
    emulator.reset()
    assert emulator.stats() == {}
