"""Partitions written before a column was declared, given that column: null, and no row changed.

Readers take both kinds together, and a merge that changes a partition upgrades it anyway. This does
it for all at once, for readers that want one schema.
"""

import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from include.entra_logs.errors import Corrupt, Transient
from include.entra_logs.lake import Lake
from include.entra_logs.merge.evolve import conform, unified
from include.entra_logs.merge.partition_file import require_content, writer
from include.entra_logs.proof.inventory import partitions
from include.entra_logs.schema import column_name, table_schema
from include.entra_logs.table import Table

log = logging.getLogger(__name__)

_TRIES = 5


def upgrade(lake: Lake, table: Table) -> int:
    """How many partitions of the API's table had an older schema and now have today's.

    Raises Corrupt for a file that is not whole, Transient where loads kept replacing one.
    """
    return sum(_upgrade_partition(lake, table, key) for _, _, key in partitions(lake, table.name))


def _upgrade_partition(lake: Lake, table: Table, key: str) -> bool:
    for _ in range(_TRIES):
        with lake.store.scratch() as folder:
            stored, built = folder / "stored.parquet", folder / "built.parquet"
            tag = lake.store.fetch(key, stored)
            if tag is None or not _rewritten(stored, built, table, key):
                return False
            if lake.store.replace_if_unchanged(key, built, tag):
                log.info("%s has every column now", key)
                return True
    raise Transient(f"{key} was replaced {_TRIES} times by loads: run the upgrade again.")


def _rewritten(stored: Path, built: Path, table: Table, key: str) -> bool:
    """Whether `stored` lacked a column; then `built` is the same with it."""
    try:
        with pq.ParquetFile(stored) as file:
            schema = unified(table_schema(table), file.schema_arrow)
            if file.schema_arrow.equals(schema):
                return False
            with writer(built, schema, (column_name(table.event_time), "id")) as out:
                for group in range(file.num_row_groups):
                    batches = file.read_row_group(group).to_batches()
                    whole = [conform(batch, schema) for batch in batches]
                    out.write_table(pa.Table.from_batches(whole, schema))
    except (pa.ArrowException, OSError, TypeError) as error:
        require_content(error)
        raise Corrupt(
            f"{key} is not a whole Parquet file of its table: rebuild it from raw with "
            f"`python -m include.entra_logs rebuild --table {table.name}`."
        ) from error
    return True
