"""The verb normalise: the raw pages of one read → one Parquet file per partition, and counts."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from include.entra_logs.ahead import ahead
from include.entra_logs.api import Window
from include.entra_logs.normalise.groups import VERSION, GroupReader, RawPage, grouped
from include.entra_logs.normalise.ordered import Sorter
from include.entra_logs.normalise.partitions import PartitionWriter
from include.entra_logs.schema import column_name
from include.entra_logs.table import Table

log = logging.getLogger(__name__)

AHEAD = 1
"""Groups of pages that are fetched and decompressed while one is parsed."""


@dataclass(frozen=True)
class Normalised:
    """What one read brought. `events` = distinct + duplicates + conflicts + rejects + outside."""

    files: dict[datetime, Path]
    """By start of partition: sorted by event time and id, each identity once."""
    partitions: dict[datetime, int]
    """Rows of each file."""
    events: int
    distinct: int
    duplicates: int
    """Left out: the same event again."""
    conflicts: int
    """Left out: an older version, or an earlier answer, of an event in the same read."""
    rejects: int
    """Left in raw: no id or no time that can be, so no identity."""
    outside: int
    """Left out: not in the part of the window that its page answers for."""
    retimed: int
    """Ids with more than one event time; each is an event of its own."""
    first_event: datetime | None
    last_event: datetime | None
    id_checksum: str
    surprises: dict[str, int] = field(default_factory=dict)
    """Events by path and JSON type of what had no column or did not fit it."""


def normalise(
    table: Table,
    filter_by: str,
    window: Window,
    pages: Iterable[RawPage],
    read_at: datetime,
    directory: Path,
) -> Normalised:
    """Write the read's events to `directory`: one file per partition that they touch.

    An event is kept where its `filter_by` time, cut to microseconds, lies in `window` and in the
    `keep` of its page, if its event time can be one (`merge.blocks.believed`). Memory does
    not grow with the number of events. Raises Corrupt for a page that is not JSON or has no list of
    events.
    """
    reader = GroupReader(table, filter_by, window, read_at)
    key = column_name(table.event_time), "id"
    version = VERSION if table.updated_time else None
    with TemporaryDirectory(dir=directory, prefix="sort-") as scratch:
        out = PartitionWriter(table, read_at, directory, Path(scratch))
        with Sorter(Path(scratch, "rows.arrow"), reader.schema, key, version) as sorter:
            for group in ahead(grouped(pages), AHEAD):
                sorter.add(reader.read(group))
            for rows in sorter.ordered():
                out.write(rows)
            out.close()
        retimed = out.retimed()
    if surprises := reader.surprises.told():
        log.info("Properties without a fitting column, kept in _extra: %s", surprises)
    return Normalised(
        files=out.files,
        partitions=out.rows,
        events=reader.events,
        distinct=sum(out.rows.values()),
        duplicates=sorter.counts.duplicates,
        conflicts=sorter.counts.conflicts,
        rejects=reader.rejects,
        outside=reader.outside,
        retimed=retimed,
        first_event=out.first,
        last_event=out.last,
        id_checksum=out.id_checksum,
        surprises=surprises,
    )
