"""The states of the days that are shown, worked out anew only for an API that was read since."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from cachetools import LRUCache

from include.entra_logs.api import Api, Window
from include.entra_logs.ledger.holdings import Lowered
from include.entra_logs.ledger.record import LedgerRecord
from include.entra_logs.ledger.record_table import from_table
from include.entra_logs.ledger.states import IntervalState, states

UNUSED = ["first_event", "last_event", "id_checksum", "bytes", "distinct"]
"""Columns that neither states nor causes follow from: a sixth of the time of making records."""


@dataclass(frozen=True)
class Known:
    """What the ledger says of one API and tenant in the days that are shown."""

    api: Api
    tenant_id: str
    span: Window
    """Whole UTC days."""
    records: tuple[LedgerRecord, ...]
    """All that touch `span`, without what is in `UNUSED`."""
    intervals: tuple[IntervalState, ...]
    """Of every interval in `span`, ascending."""
    lowered: Sequence[Lowered]
    ids: pa.ChunkedArray
    """Of the records, which never change: as long as these are the same, all is."""


class KnownIntervals:
    """What was worked out last, at most so many times one API and tenant."""

    def __init__(self, most: int) -> None:
        self._kept: LRUCache[tuple[str, str, Window], Known] = LRUCache(most)

    def get(
        self,
        api: Api,
        tenant_id: str,
        span: Window,
        table: pa.Table,
        lowered: Sequence[Lowered] = (),
    ) -> Known:
        """What `table`, the ledger's rows of this API and tenant that touch `span`, says."""
        key = (api.name, tenant_id, span)
        known = self._kept.get(key)
        same = known is not None and known.lowered == lowered
        if known is None or not same or not known.ids.equals(table["record_id"]):
            records = tuple(from_table(table.drop_columns(UNUSED)))
            found = tuple(states(api, tenant_id, records, span, lowered))
            known = Known(api, tenant_id, span, records, found, lowered, table["record_id"])
            self._kept[key] = known
        return known
