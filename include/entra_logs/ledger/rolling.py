"""Records of a shelf into the one file of its month: merged, published whole, then deleted.

Several processes may be at it at once: each publishes only over the very file that it read.
"""

import io
import random
import time
from collections.abc import Iterable
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.entra_logs.errors import Corrupt, Transient
from include.entra_logs.lake import Lake, layout
from include.entra_logs.lake.layout import Shelf
from include.entra_logs.ledger import objects
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.record_table import to_table

_TRIES = 40
"""Merges of one month before the others' are given way to."""
LONGEST_PAUSE = 2.0
"""Seconds between two of them, at most."""
ORDER = [(name, "ascending") for name in ("api", "tenant_id", "window_start", "read_at")]


def roll_up_shelf(lake: Lake, shelf: Shelf, keys: list[str]) -> int:
    """How many loose records of `keys` are in their month now and no longer beside it.

    Raises Corrupt, once the others are, for one that cannot be read.
    """
    found = dict(zip(keys, objects.each(partial(objects.record, lake), keys), strict=True))
    loose = {key: r for key, r in found.items() if isinstance(r, LedgerRecord)}
    merge_into_month(lake, shelf, loose.values())
    lake.store.delete(loose)
    for each in found.values():
        if isinstance(each, Corrupt):
            raise each
    return len(loose)


def merge_into_month(lake: Lake, shelf: Shelf, records: Iterable[LedgerRecord]) -> None:
    """The records are in the file of their month, each once whatever was there. Durable.

    Raises Transient if others kept replacing it, Corrupt if it cannot be read, Refused if a newer
    version wrote it.
    """
    new = to_table(records)
    if not new.num_rows:
        return
    store, key = lake.store, layout.ledger_month(shelf)
    for again in range(_TRIES):
        tag = store.tag(key)
        parts = [new]
        if tag is not None and (body := store.get(key)) is not None:
            month = objects.month(key, body)
            objects.require_known(key, body)
            if pc.all(pc.is_in(new["record_id"], month["record_id"])).as_py():
                return  # another roll-up was here
            parts.insert(0, month)
        whole = _parquet(_once(pa.concat_tables(parts)).sort_by(ORDER))
        if (
            store.put_if_absent(key, whole)
            if tag is None
            else store.replace_if_unchanged(key, whole, tag)
        ):
            return
        time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.02 * 2**again)))  # noqa: S311 - jitter
    raise Transient(f"{key} was replaced by others {_TRIES} times: run upkeep again.")


def _once(table: pa.Table) -> pa.Table:
    """The first row of each record id."""
    index = pa.array(range(len(table)), pa.int64())
    firsts = (
        pa.table({"record_id": table["record_id"], "row": index})
        .group_by("record_id")
        .aggregate([("row", "min")])
    )
    return table.take(firsts["row_min"])


def _parquet(table: pa.Table) -> bytes:
    """The table as one Parquet file."""
    body = io.BytesIO()
    pq.write_table(table, body, compression="zstd")
    return body.getvalue()
