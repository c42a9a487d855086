"""Partitions built again beside the lake, from nothing but raw: for `verify` and for `rebuild`."""

from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq

from include.entra_logs.errors import Corrupt
from include.entra_logs.lake import Lake, layout, open_lake, raw
from include.entra_logs.lake.raw import ReadManifest
from include.entra_logs.merge import tables
from include.entra_logs.normalise import Normalised, normalise
from include.entra_logs.proof.inventory import RawRead
from include.entra_logs.schema import table_schema
from include.entra_logs.table import Table


class Aside:
    """The partitions of one API and tenant as raw says they must be, in files of this machine."""

    def __init__(self, lake: Lake, table: Table, tenant_id: str, folder: Path) -> None:
        self._lake = lake
        self._table = table
        self._tenant_id = tenant_id
        self._folder = folder
        self._reads: dict[datetime, list[tuple[datetime, str, Path]]] = defaultdict(list)

    @property
    def partitions(self) -> set[datetime]:
        """Starts of the partitions that the reads so far brought events to."""
        return set(self._reads)

    def add(
        self, read_id: str, read: RawRead | None, wanted: set[datetime]
    ) -> tuple[ReadManifest, Normalised]:
        """Normalise a read; what it brought to the `wanted` partitions is kept.

        Raises Corrupt if its raw answer is lost, or not what it was.
        """
        if read is None or not read.has_manifest:
            what = "raw answer" if read is None else "manifest"
            raise Corrupt(f"the {what} of read {read_id} is lost")
        manifest = raw.manifest(self._lake, read.manifest)
        if manifest.summary.pages and not read.has_pages:
            raise Corrupt(f"the pages of read {read_id} are lost")
        folder = self._folder / read_id
        folder.mkdir()
        found = normalise(
            self._table,
            manifest.filter_by,
            manifest.window,
            raw.pages(self._lake, manifest),
            manifest.read_at,
            folder,
        )
        for start, path in found.files.items():
            if start in wanted:
                self._reads[start].append((manifest.read_at, read_id, path))
            else:
                path.unlink()
        return manifest, found

    def build(self, partition: datetime) -> Path:
        """The partition's file as its reads make it, in the order in which Graph was asked."""
        key = layout.table_file(self._table.name, self._tenant_id, partition)
        built = self._folder / "lake" / key
        if partition not in self._reads:
            built.parent.mkdir(parents=True)
            pq.write_table(table_schema(self._table).empty_table(), built)
        beside = open_lake((self._folder / "lake").as_uri())
        for read_at, _, path in sorted(self._reads.get(partition, [])):
            tables.merge(beside, self._table, self._tenant_id, partition, path, read_at)
        return built
