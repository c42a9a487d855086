"""Small tables for tests of merging: events as dicts of columns, files as normalise makes them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from include.entra_logs.api import Api
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.lake import Lake, layout
from include.entra_logs.merge.partition_file import writer
from include.entra_logs.merge.tables import MergeCounts, key_columns, merge
from include.entra_logs.schema import CHANGED_AT, FIRST_SEEN_AT, table_schema

SIGN_INS = CATALOGUE["sign_ins"]
DETECTIONS = CATALOGUE["risk_detections"]
TENANT = "11111111-2222-3333-4444-555555555555"
START = datetime(2026, 11, 22, 4, tzinfo=UTC)
READ = datetime(2026, 11, 22, 6, 15, tzinfo=UTC)
Row = Mapping[str, Any]


def event(id_: str, second: float = 0, **columns: Any) -> dict[str, Any]:
    """An event `second` seconds into the partition."""
    return {"id": id_, "at": START + timedelta(seconds=second), **columns}


def table(
    api: Api, events: Iterable[Row], read_at: datetime, schema: pa.Schema | None = None
) -> pa.Table:
    """The events as normalise would hand them over."""
    keys = key_columns(api.table)
    rows = [
        {keys.event_time: e["at"], FIRST_SEEN_AT: read_at, CHANGED_AT: read_at}
        | {name: value for name, value in e.items() if name != "at"}
        for e in events
    ]
    made = pa.Table.from_pylist(rows, schema=schema or table_schema(api.table))
    return made.sort_by([(keys.event_time, "ascending"), ("id", "ascending")])


def write(path: Path, api: Api, rows: pa.Table) -> Path:
    """A file of final quality with these rows."""
    keys = key_columns(api.table)
    with writer(path, rows.schema, (keys.event_time, keys.id)) as out:
        out.write_table(rows)
    return path


def load(
    lake: Lake, api: Api, events: Iterable[Row], read_at: datetime, folder: Path
) -> MergeCounts:
    """What merging the events did."""
    path = write(folder / "incoming.parquet", api, table(api, events, read_at))
    return merge(lake, api.table, TENANT, START, path, read_at)


def key(api: Api) -> str:
    """Where the partition of these tests lies."""
    return layout.table_file(api.name, TENANT, START)


def stored(lake: Lake, api: Api) -> list[dict[str, Any]]:
    """The partition's rows as they lie in its file; columns that are null left out."""
    with lake.store.open(key(api)) as source:
        rows = pq.read_table(source).to_pylist()
    at = key_columns(api.table).event_time
    return [
        {"at" if name == at else name: v for name, v in row.items() if v is not None}
        for row in rows
    ]
