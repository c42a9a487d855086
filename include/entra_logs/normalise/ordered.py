"""Events in any order → sorted, each identity once, in memory that does not grow with their number.

Groups of events are sorted and written to a temporary Arrow file in small batches with known first
keys. One ordered pass then loads the batches by first key; whatever sorts before the first key of
the next batch is final. Reads come nearly sorted, so little waits at any moment.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BATCH = 4096
"""Rows of a batch: what one overlapping group of pages costs in memory."""
BATCH_BYTES = 16 << 20
"""Bytes of a batch: events can be large."""
ORDER = "_order"
"""A column beside the table's: among equal versions of an event the largest wins."""

Key = tuple[int, str]
"""Event time in microseconds, id."""


@dataclass
class Counts:
    """Events that were dropped since another one has their identity."""

    duplicates: int = 0
    """With equal content."""
    conflicts: int = 0
    """With other content."""


class Sorter:
    """Takes tables with the columns of `schema`, gives them back as one, sorted by `key`."""

    def __init__(
        self, path: Path, schema: pa.Schema, key: tuple[str, str], version: str | None
    ) -> None:
        """`path`: of the temporary file; `key`: event time and id; `version`: larger wins."""
        self._path = path
        self._time, self._id = key
        names = [*key, *([version] if version else []), ORDER]
        self._sort_keys = [(name, "ascending", "at_start") for name in names]
        self._schema = schema
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._file, schema)
        self._firsts: list[Key] = []
        self.counts = Counts()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        self._file.close()
        self._path.unlink(missing_ok=True)

    def add(self, table: pa.Table) -> None:
        """Keep the table's rows."""
        if not table.num_rows:
            return
        fitting = max(1, BATCH_BYTES * table.num_rows // max(1, table.nbytes))
        for batch in self._sorted(table).to_batches(max_chunksize=min(BATCH, fitting)):
            self._firsts.append(self._key(batch, 0))
            self._writer.write_batch(batch)

    def ordered(self) -> Iterator[pa.Table]:
        """The rows in order of key, each key once, its newest version. Nothing is added after."""
        self._writer.close()
        with pa.OSFile(str(self._path)) as file:
            batches = pa.ipc.open_file(file)
            waiting = self._schema.empty_table()
            loaded: list[pa.Table] = []
            order = sorted(range(len(self._firsts)), key=self._firsts.__getitem__)
            for place, number in enumerate(order):
                loaded.append(pa.Table.from_batches([batches.get_batch(number)]))
                last = place + 1 == len(order)
                if not last and sum(t.num_rows for t in loaded) < waiting.num_rows:
                    continue
                rows = self._joined(waiting, loaded)
                loaded = []
                cut = rows.num_rows if last else self._below(rows, self._firsts[order[place + 1]])
                waiting = rows.slice(cut)
                if cut:
                    yield self._unique(rows.slice(0, cut))

    def _joined(self, waiting: pa.Table, loaded: list[pa.Table]) -> pa.Table:
        if not waiting.num_rows and len(loaded) == 1:
            return loaded[0]
        return self._sorted(pa.concat_tables([waiting, *loaded]))

    def _sorted(self, table: pa.Table) -> pa.Table:
        table = table.combine_chunks()
        order = pc.sort_indices(table, self._sort_keys)
        return table.take(order).combine_chunks()

    def _key(self, batch: pa.RecordBatch, row: int) -> Key:
        return batch[self._time].cast(pa.int64())[row].as_py(), batch[self._id][row].as_py()

    def _below(self, rows: pa.Table, key: Key) -> int:
        """How many of the sorted rows lie before `key`."""
        times = _micros(rows[self._time])
        low, high = (int(np.searchsorted(times, key[0], side)) for side in ("left", "right"))
        ids = rows[self._id].slice(low, high - low).to_pylist()
        return low + bisect_left(ids, key[1])

    def _unique(self, rows: pa.Table) -> pa.Table:
        """The last row of each identity; counts the others."""
        times = _micros(rows[self._time])
        equal = times[1:] == times[:-1]
        if not equal.any():
            return rows
        ids = rows[self._id].combine_chunks()
        same = pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False) & equal
        if not same.any():
            return rows
        kept = np.flatnonzero(np.append(~same, True))
        lost = np.flatnonzero(same)
        content = rows.drop_columns(ORDER)
        winners = kept[np.searchsorted(kept, lost)]
        for row, winner in zip(lost.tolist(), winners.tolist(), strict=True):
            if content.slice(row, 1).equals(content.slice(winner, 1)):
                self.counts.duplicates += 1
            else:
                self.counts.conflicts += 1
        return rows.take(pa.array(kept))


def _micros(times: pa.ChunkedArray) -> NDArray[np.int64]:
    found: NDArray[np.int64] = times.cast(pa.int64()).to_numpy()
    return found
