"""What cannot be read in the ledger, out of its way: `python -m include.entra_logs rebuild-ledger`.

It is kept below `ledger/broken/`, as it may be of a newer version or say what raw has no more.
"""

from functools import partial

from include.entra_logs.errors import Corrupt
from include.entra_logs.lake import Lake, layout
from include.entra_logs.ledger import objects


def set_aside(lake: Lake, table: str) -> list[str]:
    """The keys of a table's records and months that could not be read, and are not there now."""
    keys = sorted(
        found.key
        for found in lake.store.list(layout.ledger_reads(table))
        if layout.ledger_shelf(found.key)
        and (found.key.endswith(layout.RECORD_SUFFIX) or layout.is_ledger_month(found.key))
    )
    tried = objects.each(partial(_read, lake), keys)
    gone = [key for key, found in zip(keys, tried, strict=True) if isinstance(found, Corrupt)]
    for key in gone:
        lake.store.copy(key, layout.ledger_broken(key))
    lake.store.delete(gone)
    return gone


def _read(lake: Lake, key: str) -> None:
    """Raises Corrupt for what the ledger could not read at `key`."""
    if not layout.is_ledger_month(key):
        objects.record(lake, key)
    elif (body := lake.store.get(key)) is not None:
        objects.month(key, body)
