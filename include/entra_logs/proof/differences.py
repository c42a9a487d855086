"""How a partition's file differs from the one that raw makes, counted by kind of difference."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from include.entra_logs.merge.blocks import Int64, Keys, blocks, microseconds
from include.entra_logs.merge.compare import differing
from include.entra_logs.merge.partition_file import PartitionFile
from include.entra_logs.normalise.counts import identity_hash
from include.entra_logs.schema import CHANGED_AT, FIRST_SEEN_AT

_STAMPS = [FIRST_SEEN_AT, CHANGED_AT]


@dataclass
class Differences:
    """Counts of events; all zero where table and raw agree."""

    lost: int = 0
    """Raw has them, the table does not."""
    foreign: int = 0
    """The table has them, raw does not."""
    altered: int = 0
    """Both have them, with other content."""
    restamped: int = 0
    """Both have them, first seen or changed at other times."""

    def told(self, *, pending: bool) -> list[str]:
        """A sentence for each kind; `pending`: a read of the partition may not be loaded yet."""
        told = [(self.foreign, "events of the table are in no raw answer")]
        if not pending:
            told += [
                (self.lost, "events that raw has are not in the table"),
                (self.altered, "events are not as raw has them"),
                (self.restamped, "events were first seen or changed at other times in raw"),
            ]
        return [f"{count} {what}" for count, what in told if count]


def differences(
    stored: PartitionFile, rebuilt: PartitionFile, keys: Keys, gone: Int64
) -> Differences:
    """How the file `stored` differs from `rebuilt`; memory does not grow with them.

    `gone` are the `read_at`s, in microseconds, of reads whose raw was removed for its age: what
    they brought or changed is not judged. A file of an older schema is judged by its keys and
    stamps. Raises Corrupt if `stored` is no file of a partition.
    """
    found = Differences()
    names = [name for name in rebuilt.schema.names if name not in _STAMPS]
    columns = None
    if not stored.schema.equals(rebuilt.schema):
        names, columns = [], [*rebuilt.key_columns, *_STAMPS]
    pairs = blocks(stored.batches(columns), rebuilt.batches(columns), keys)
    for have, want in pairs:
        if have is None or want is None:
            found.lost += want.num_rows if want is not None else 0
            found.foreign += _unexplained(have, gone) if have is not None else 0
        else:
            _count(found, have, want, keys, names, gone)
    return found


def _count(
    found: Differences,
    have: pa.RecordBatch,
    want: pa.RecordBatch,
    keys: Keys,
    names: list[str],
    gone: Int64,
) -> None:
    """Add the differences of two stretches of rows over the same keys."""
    stored, rebuilt = (
        identity_hash(batch.column(keys.id), batch.column(keys.event_time))
        for batch in (have, want)
    )
    _, here, there = np.intersect1d(stored, rebuilt, assume_unique=True, return_indices=True)
    found.lost += want.num_rows - len(there)
    alone = np.setdiff1d(np.arange(have.num_rows), here)
    found.foreign += _unexplained(have.take(pa.array(alone)), gone)
    one, two = have.take(pa.array(here)), want.take(pa.array(there))
    judged = ~np.isin(microseconds(one.column(CHANGED_AT)), gone)
    other = differing(one, two, names) & judged
    found.altered += int(other.sum())
    if not len(gone):
        found.restamped += int((differing(one, two, _STAMPS) & ~other).sum())


def _unexplained(rows: pa.RecordBatch, gone: Int64) -> int:
    """How many rows no removed read was the first to bring."""
    return int((~np.isin(microseconds(rows.column(FIRST_SEEN_AT)), gone)).sum())
