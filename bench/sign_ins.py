"""Sign-ins as Arrow tables, made without Graph: as wide and as nested as real ones."""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.entra_logs.catalogue.sign_ins import SIGN_INS
from include.entra_logs.schema import CHANGED_AT, EXTRA, FIRST_SEEN_AT, TIME, table_schema

SCHEMA = table_schema(SIGN_INS.table)


def guids(rng: np.random.Generator, count: int) -> pa.Array:
    """`count` random lower-case GUIDs."""
    text = rng.bytes(16 * count).hex()
    data = np.frombuffer(text.encode(), dtype="S32").reshape(count)
    parts = data.view("S1").reshape(count, 32)
    joined = np.full((count, 36), b"-", dtype="S1")
    for start, end, at in ((0, 8, 0), (8, 12, 9), (12, 16, 14), (16, 20, 19), (20, 32, 24)):
        joined[:, at : at + end - start] = parts[:, start:end]
    return pa.array(joined.view("S36").reshape(count)).cast(pa.string())


def _column(  # noqa: PLR0911 - one return for each type
    field: pa.Field, count: int, rng: np.random.Generator, pool: pa.Array
) -> pa.Array:
    kind, name = field.type, field.name
    if pa.types.is_string(kind):
        if name in ("correlation_id", "original_request_id", "unique_token_identifier"):
            return guids(rng, count)
        distinct = 4000 if name.startswith(("user_", "ip", "device_detail")) else 30
        return pc.take(pool, pa.array(rng.integers(0, distinct, count)))
    if pa.types.is_boolean(kind):
        return pa.array(rng.random(count) < 0.3)
    if pa.types.is_integer(kind):
        return pa.array(rng.choice([0, 0, 0, 50126, 53003], count)).cast(kind)
    if pa.types.is_floating(kind):
        return pa.array(np.round(rng.random(count) * 90, 4)).cast(kind)
    if pa.types.is_list(kind):
        lengths = rng.integers(0, 5 if pa.types.is_struct(kind.value_type) else 2, count)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype("int32")
        inner = _column(pa.field("item", kind.value_type), int(offsets[-1]), rng, pool)
        return pa.ListArray.from_arrays(pa.array(offsets), inner, type=kind)
    if pa.types.is_struct(kind):
        return pa.StructArray.from_arrays(
            [_column(inner, count, rng, pool) for inner in kind], fields=list(kind)
        )
    return pa.nulls(count, kind)


def sign_ins(count: int, start: datetime, seconds: int, read_at: datetime, seed: int) -> pa.Table:
    """`count` sign-ins of `seconds` from `start`, sorted by event time and id."""
    rng = np.random.default_rng(seed)
    pool = pc.binary_join_element_wise(guids(rng, 4000), pa.scalar("contoso.example"), "@")
    first = int(start.timestamp() * 1_000_000)
    times = np.sort(rng.integers(0, seconds, count)) * 1_000_000 + first
    made = {field.name: _column(field, count, rng, pool) for field in SCHEMA}
    made["id"] = guids(rng, count)
    made["created_date_time"] = pa.array(times, TIME)
    made[FIRST_SEEN_AT] = made[CHANGED_AT] = pa.array([read_at] * count, TIME)
    made[EXTRA] = pa.nulls(count, pa.string())
    table = pa.table(made, schema=SCHEMA)
    return table.sort_by([("created_date_time", "ascending"), ("id", "ascending")])
