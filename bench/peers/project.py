"""This project: its four steps, with raw answers kept, merged into tables and in the ledger."""

from datetime import datetime, timedelta
from pathlib import Path

from bench.peers.task import Task, contend
from include.entra_logs.api import Window
from include.entra_logs.catalogue.sign_ins import SIGN_INS
from include.entra_logs.graph.client import GraphClient
from include.entra_logs.graph.connection import from_fields
from include.entra_logs.lake import open_lake
from include.entra_logs.pipeline import Run, authenticate, extract, load, normalise

RETENTION = timedelta(days=30)


def read_and_publish(task: Task) -> int:
    """The events that were added to the lake's table."""
    lake = open_lake(Path(task.folder).as_uri())
    window = Window(datetime.fromisoformat(task.start), datetime.fromisoformat(task.end))
    run = Run(SIGN_INS.schedules()[0], window, "graph", run_id="bench")
    fields = {name: task.connection[name] for name in ("login", "password", "schema", "host")}
    connection = from_fields(port=None, extra=task.connection["extra"], **fields)
    # The emulator's throttling is off, so our pace is: all contenders read as fast as they can.
    with GraphClient(connection, pace=0.0) as graph:
        access = authenticate(run, graph, lake, RETENTION)
        reads = extract(run, access, graph, lake, RETENTION)
    return load(run, normalise(run, reads, lake), lake).added


if __name__ == "__main__":
    contend(read_and_publish)
