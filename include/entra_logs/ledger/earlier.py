"""A ledger of the form that this one had before its records lay by table and tenant.

    ledger/records/month=YYYY-MM/<table>/<record_id>.json
    ledger/months/month=YYYY-MM/records.parquet

Nothing else reads it: `python -m include.entra_logs rebuild-ledger` carries it over.
"""

import re
from collections.abc import Iterator
from itertools import chain

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from include.entra_logs.errors import Corrupt, Refused
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.record_table import from_table

_RECORDS = f"{layout.LEDGER}/records"
_MONTHS = f"{layout.LEDGER}/months"
_OURS = re.compile(
    rf"{_RECORDS}/month=\d{{4}}-\d\d/[^/]+/[^/]+\.json|{_MONTHS}/month=\d{{4}}-\d\d/records\.parquet",
    re.ASCII,
)


def require_carried_over(lake: Lake) -> None:
    """Refused while the lake has records of the earlier form, as nothing would know of them."""
    if next(_keys(lake), None) is not None:
        raise Refused(
            f"The ledger of {lake.url} has the form of an earlier version: pause the DAGs, do "
            "`python -m include.entra_logs rebuild-ledger`, then clear this task."
        )


def carry_over(lake: Lake) -> int:
    """How many records of the earlier form are in this one's now, and no longer in the other.

    It may be cut short and done again. Raises Corrupt, naming it, for an object that is broken.
    """
    keys = list(_keys(lake))
    carried = 0
    for key in keys:
        found = _records(lake, key)
        ledger.keep(lake, found)
        carried += len(found)
    lake.store.delete(keys)
    return carried


def _keys(lake: Lake) -> Iterator[str]:
    """Of what that form kept; other names there are nobody's business."""
    for found in chain(lake.store.list(_MONTHS), lake.store.list(_RECORDS)):
        if _OURS.fullmatch(found.key):
            yield found.key


def _records(lake: Lake, key: str) -> list[LedgerRecord]:
    body = lake.store.get(key)
    if body is None:
        return []
    try:
        if key.endswith(layout.RECORD_SUFFIX):
            return [msgspec.json.decode(body, type=LedgerRecord)]
        return list(from_table(pq.read_table(pa.BufferReader(body))))
    except (pa.ArrowException, OSError, msgspec.MsgspecError) as error:
        raise Corrupt(
            f"{key} is not what the ledger kept there: delete it, then do this again; its reads "
            "are recorded again from raw."
        ) from error
