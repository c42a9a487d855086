"""Sorted rows → one Parquet file per partition, and what the read brought."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from include.entra_logs.api import PARTITION
from include.entra_logs.merge.partition_file import ROW_GROUP, writer
from include.entra_logs.normalise.counts import IdChecksum, identity_hash
from include.entra_logs.schema import CHANGED_AT, FIRST_SEEN_AT, TIME, column_name, table_schema
from include.entra_logs.table import Table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOST_BYTES = 128 << 20
"""Rows of this size are written even if they don't fill a row group: events can be large."""


class PartitionWriter:
    """Writes rows that come in order of event time; one file is open at a time."""

    def __init__(self, table: Table, read_at: datetime, directory: Path, scratch: Path) -> None:
        """`directory`: of the files; `scratch`: for one temporary file."""
        self._schema = table_schema(table)
        self._time = column_name(table.event_time)
        self._read_at = pa.scalar(read_at, TIME)
        self._directory = directory
        self._open: tuple[datetime, pq.ParquetWriter] | None = None
        self._waiting: list[pa.Table] = []
        self._checksum = IdChecksum()
        self._hashes = scratch / "ids.u64"
        self._hashes.touch()
        self.files: dict[datetime, Path] = {}
        self.rows: dict[datetime, int] = {}
        self.first: datetime | None = None
        self.last: datetime | None = None

    @property
    def id_checksum(self) -> str:
        """Of all rows so far."""
        return self._checksum.text

    def retimed(self) -> int:
        """How many ids came with more than one event time."""
        hashes = np.fromfile(self._hashes, dtype=np.uint64)
        hashes.sort()
        again = hashes[1:] == hashes[:-1]
        return int(again.sum() - (again[1:] & again[:-1]).sum())

    def write(self, rows: pa.Table) -> None:
        """Add rows, all later than those before."""
        times = rows[self._time]
        self.first = self.first or times[0].as_py().astimezone(UTC)
        self.last = times[-1].as_py().astimezone(UTC)
        ids = rows["id"].combine_chunks()
        self._checksum.add(ids, times.combine_chunks())
        with self._hashes.open("ab") as file:
            identity_hash(ids, pa.repeat(pa.scalar(0, TIME), len(ids))).tofile(file)
        number = np.floor_divide(times.cast(pa.int64()).to_numpy(), PARTITION // MICROSECOND)
        edges = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(number)]
        for start, stop in pairwise(edges):
            self._write_into(
                EPOCH + PARTITION * int(number[start]), rows.slice(start, stop - start)
            )

    def close(self) -> None:
        """Finish the last file."""
        if self._open:
            self._flush()
            self._open[1].close()
            self._open = None

    def _write_into(self, partition: datetime, rows: pa.Table) -> None:
        if not self._open or self._open[0] != partition:
            self.close()
            path = self._directory / f"{partition.isoformat().replace(':', '')[:15]}.parquet"
            self.files[partition] = path
            self._open = partition, writer(path, self._schema, (self._time, "id"))
        self.rows[partition] = self.rows.get(partition, 0) + rows.num_rows
        self._waiting.append(rows)
        if sum(table.num_rows for table in self._waiting) >= ROW_GROUP:
            self._flush(whole_groups=True)
        elif sum(table.nbytes for table in self._waiting) >= MOST_BYTES:
            self._flush()

    def _flush(self, *, whole_groups: bool = False) -> None:
        """Write what waits; `whole_groups` keeps back what does not fill a row group."""
        if not self._waiting:
            return
        rows = pa.concat_tables(self._waiting)
        ready = rows.num_rows // ROW_GROUP * ROW_GROUP if whole_groups else rows.num_rows
        self._waiting = [rows.slice(ready)] if ready < rows.num_rows else []
        if ready and self._open:
            self._open[1].write_table(self._complete(rows.slice(0, ready)), ROW_GROUP)

    def _complete(self, rows: pa.Table) -> pa.Table:
        """The rows with every column of the table."""
        seen = pa.repeat(self._read_at, rows.num_rows)
        for name in (FIRST_SEEN_AT, CHANGED_AT):
            rows = rows.append_column(name, seen)
        return rows.select(self._schema.names)
