"""A ledger of the form that this one had before its records lay by table and tenant.

    ledger/records/month=YYYY-MM/<table>/<record_id>.json
    ledger/months/month=YYYY-MM/records.parquet

Nothing else reads it: `python -m include.entra_logs rebuild-ledger` carries it over.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import chain

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec.structs import replace

from include.entra_logs.errors import Corrupt, Refused
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.holdings import Steps
from include.entra_logs.ledger.record import LedgerRecord, decode
from include.entra_logs.ledger.record_table import from_table
from include.entra_logs.merge.tables import holdings_of

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
    found = [record for key in keys for record in _records(lake, key)]
    ledger.keep(lake, _with_holdings(lake, found))
    lake.store.delete(keys)
    return len(found)


def _with_holdings(lake: Lake, records: list[LedgerRecord]) -> list[LedgerRecord]:
    """The records, the newest of each partition with what its file holds; none did say so."""
    newest: dict[tuple[str, str, datetime], LedgerRecord] = {}
    for record in sorted(records, key=lambda r: r.loaded_at):
        for counts in record.partitions:
            newest[record.api, record.tenant_id, counts.partition] = record
    seen: dict[str, dict[datetime, Steps]] = defaultdict(dict)
    for (api, tenant_id, start), record in newest.items():
        key = layout.table_file(api, tenant_id, start)
        if lake.store.tag(key) is not None:
            seen[record.record_id][start] = holdings_of(lake, key)
    return [
        replace(
            r,
            partitions=tuple(
                replace(c, seen=seen[r.record_id].get(c.partition, c.seen)) for c in r.partitions
            ),
        )
        for r in records
    ]


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
            return [decode(body)]
        return list(from_table(pq.read_table(pa.BufferReader(body))))
    except (pa.ArrowException, OSError, msgspec.MsgspecError) as error:
        raise Corrupt(
            f"{key} is not what the ledger kept there: delete it, then do this again; its reads "
            "are recorded again from raw."
        ) from error
