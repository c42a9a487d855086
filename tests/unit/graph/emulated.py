"""Reads of the Graph emulator over TLS, time scaled by a thousand, and its ground truth."""

from typing import Any

from include.entra_logs.api import Api, Window
from include.entra_logs.graph import GraphClient, GraphConnection, Limits, from_fields
from include.graph_emulator.process import Emulator
from tests.unit.graph.memory_store import kept

FAST = Limits(connect=5, quiet=0.2, whole_page=0.6, body=4_000_000, attempts=6, barren=20)
"""Timeouts are real seconds; a hang costs a fifth of one."""
CALM = Limits(attempts=4)
"""For tests without hanging answers, however busy the machine is."""
PACE = 0.001


def connection(emulator: Emulator, **changes: Any) -> GraphConnection:
    """The emulator's Airflow connection, with some of its extras changed."""
    given = emulator.connection
    return from_fields(
        given["login"],
        given["password"],
        given["schema"],
        given["host"],
        given.get("port"),
        given["extra"] | changes,
    )


def client(emulator: Emulator, limits: Limits = FAST, pace: float = PACE) -> GraphClient:
    """A client of the emulator whose waits are short."""
    return GraphClient(connection(emulator), pace=pace, limits=limits)


def truth(emulator: Emulator, api: Api, window: Window, by: str | None = None) -> set[Any]:
    """(id, event time) of every event that has arrived in the window."""
    return set(emulator.truth(api.name, window.start, window.end, by).ids)


def found(store: Any, api: Api, window: Window, by: str | None = None) -> set[Any]:
    """(id, event time) of what a read kept."""
    return set(kept(store, window, by or api.table.event_time, api.table.event_time))
