"""Partitions of an older schema: read together with newer ones, upgraded by one command."""

import pyarrow.parquet as pq
import pytest

from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Corrupt
from include.entra_logs.proof.upgrade import upgrade
from include.entra_logs.proof.verify import verify
from include.entra_logs.schema import table_schema
from tests.integration.pipeline.line import Line, main_of, two_hours

API = CATALOGUE["sign_ins"]


def test_an_upgrade_adds_columns_and_changes_no_row(line: Line) -> None:
    """Only the older file is rewritten; its rows are the same, and the proof holds."""
    for hour in (6, 8):
        line.run(main_of(API.name), two_hours(18, hour))
    older, newer = sorted((line.folder / "tables").rglob("events.parquet"))
    before = pq.ParquetFile(older).read().drop_columns(["user_agent"])
    pq.write_table(before, older)
    untouched = newer.read_bytes()
    assert upgrade(line.lake, API.table) == 1
    after = pq.ParquetFile(older).read()
    assert after.schema.equals(table_schema(API.table))
    assert after["user_agent"].null_count == after.num_rows
    assert after.drop_columns(["user_agent"]).to_pylist() == before.to_pylist()
    assert newer.read_bytes() == untouched
    assert upgrade(line.lake, API.table) == 0
    assert all("06:00" in text for text in verify(line.lake, API.name).lines[:-1])


def test_a_broken_partition_is_refused_with_its_remedy(line: Line) -> None:
    """It stays as it is, and the command that rebuilds it is named."""
    line.run(main_of(API.name), two_hours(18, 6))
    (path,) = (line.folder / "tables").rglob("events.parquet")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(Corrupt, match="rebuild --table sign_ins"):
        upgrade(line.lake, API.table)
    assert path.stat().st_size == 1000
