"""Reads of the Graph emulator over TLS, time scaled by a thousand, and its ground truth."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from include.entra_logs.api import Api, Window
from include.entra_logs.graph import GraphClient, GraphConnection, Limits, from_fields
from include.graph_emulator.process import Emulator
from tests.kit.memory_store import kept

FAST = Limits(connect=5, quiet=0.2, whole_page=0.6, body=4_000_000, attempts=6, barren=20)
"""Timeouts are real seconds; a hang costs a fifth of one."""
CALM = Limits(attempts=4)
"""For tests without hanging answers, however busy the machine is."""
PACE = 0.001


def connection(
    emulator: Emulator, extra: dict[str, Any] | None = None, **changed: Any
) -> GraphConnection:
    """The emulator's Airflow connection as the bridge would read it, with fields changed."""
    given = emulator.connection | changed
    names = ("login", "password", "schema", "host", "port")
    fields = {name: given.get(name) for name in names}
    return from_fields(**fields, extra=emulator.connection["extra"] | (extra or {}))


def client(emulator: Emulator, limits: Limits = FAST, pace: float = PACE) -> GraphClient:
    """A client of the emulator whose waits are short."""
    return GraphClient(connection(emulator), pace=pace, limits=limits, now=clock_of(emulator))


def clock_of(emulator: Emulator) -> Callable[[], datetime]:
    """The emulator's clock as the worker's own: as if both were right."""
    return lambda: datetime.fromisoformat(emulator.now())


def truth(emulator: Emulator, api: Api, window: Window, by: str | None = None) -> set[Any]:
    """(id, event time) of every event that has arrived in the window."""
    return set(emulator.truth(api.name, window.start, window.end, by).ids)


def found(store: Any, api: Api, window: Window, by: str | None = None) -> set[Any]:
    """(id, event time) of what a read kept."""
    return set(kept(store, window, by or api.table.event_time, api.table.event_time))
