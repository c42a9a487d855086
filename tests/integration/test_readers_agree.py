"""DuckDB, pandas, Polars and Spark read the same lake: equal counts, sums and types.

The figures of a column are its Arrow type, how many values are not null, and a sum of what they
are: numbers and truths themselves, times in microseconds, texts and lists by their length.
"""

import math
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.types as kinds
import pytest

from include.bi.database import open_lake_database
from include.entra_logs.api import Api
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.schema import table_schema

PARTITIONS = pa.schema([("tenant_id", pa.string()), ("date", pa.date32()), ("hour", pa.int32())])
Figures = dict[str, tuple[pa.DataType, int, float]]


def columns_of(api: Api) -> pa.Schema:
    """Every column that a reader has to find, with its type."""
    return pa.schema([*table_schema(api.table), *PARTITIONS])


def plain(kind: pa.DataType) -> pa.DataType:
    """The type without what a reader may choose: large or view strings and lists, field names."""
    if kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return pa.string()
    if kinds.is_list(kind) or kinds.is_large_list(kind):
        return pa.list_(plain(kind.value_type))
    if kinds.is_struct(kind):
        return pa.struct([(field.name, plain(field.type)) for field in kind])
    return kind


def size_of(name: str, kind: pa.DataType, texts: dict[str, str]) -> str:
    """The SQL for the size of a column: `texts` says how an engine writes each of them."""
    wanted = (
        "time" if kinds.is_timestamp(kind) else
        "date" if kinds.is_date(kind) else
        "list" if kinds.is_list(kind) else
        "text" if kinds.is_string(kind) else
        "truth" if kinds.is_boolean(kind) else "number"
    )  # fmt: skip
    return texts[wanted].format(f'"{name}"' if texts["quote"] == '"' else f"`{name}`")


def sql_figures(
    api: Api, ask: Callable[[str], list[Any]], schema: pa.Schema, texts: dict[str, str]
) -> Figures:
    """The figures of a table in an engine that speaks SQL."""
    columns = columns_of(api)
    quote = texts["quote"]
    wanted = [
        f"count({quote}{field.name}{quote}), sum({size_of(field.name, field.type, texts)})"
        for field in columns
    ]
    (row,) = ask(f"SELECT {', '.join(wanted)} FROM {api.name}")
    return {
        name: (plain(schema.field(name).type), row[2 * n], float(row[2 * n + 1] or 0))
        for n, name in enumerate(columns.names)
    }


def with_duckdb(api: Api, lake: Path) -> Figures:
    """Through the view that `make bi` opens."""
    texts = {
        "quote": '"', "number": "{}", "truth": "{}::INT", "text": "length({})", "list": "len({})",
        "time": "epoch_us({})::HUGEINT", "date": "date_diff('day', DATE '1970-01-01', {})",
    }  # fmt: skip
    with open_lake_database(str(lake)) as con:
        con.execute("SET arrow_large_buffer_size = false")
        schema = con.sql(f"FROM {api.name} LIMIT 0").to_arrow_table().schema
        return sql_figures(api, lambda sql: con.execute(sql).fetchall(), schema, texts)


def with_pandas(api: Api, lake: Path) -> Figures:
    """As docs/query.md says for partitions of several ages."""
    import pandas as pd  # noqa: PLC0415  the readers load only what they are

    partitioning = ds.partitioning(PARTITIONS, flavor="hive")
    files = ds.dataset(
        lake / "tables" / api.name, schema=columns_of(api), partitioning=partitioning
    )
    frame = files.to_table().to_pandas(types_mapper=pd.ArrowDtype)
    found: Figures = {}
    for name in columns_of(api).names:
        column = frame[name].dropna()
        kind = plain(frame[name].dtype.pyarrow_dtype)
        found[name] = (kind, len(column), _pandas_size(column, kind))
    return found


def _pandas_size(column: Any, kind: pa.DataType) -> float:
    if kinds.is_timestamp(kind):
        return float(column.astype("int64[pyarrow]").sum())
    if kinds.is_date(kind):
        return float(column.astype("int32[pyarrow]").sum())
    if kinds.is_list(kind):
        return float(column.list.len().sum()) if len(column) else 0.0
    if kinds.is_string(kind):
        return float(column.str.len().sum()) if len(column) else 0.0
    return float(column.sum())


def with_polars(api: Api, lake: Path) -> Figures:
    """As docs/query.md says."""
    frame = pl.scan_parquet(
        lake / "tables" / api.name / "**/events.parquet",
        hive_schema={"tenant_id": pl.String, "date": pl.Date, "hour": pl.Int32},
        missing_columns="insert",
        extra_columns="ignore",
        schema=pl.from_arrow(table_schema(api.table).empty_table()).schema,
    ).collect()
    schema = frame.to_arrow().schema
    found: Figures = {}
    for name in columns_of(api).names:
        column = frame[name].drop_nulls()
        found[name] = (plain(schema.field(name).type), len(column), _polars_size(column))
    return found


def _polars_size(column: pl.Series) -> float:
    kind = column.dtype
    if kind == pl.String:
        column = column.str.len_chars()
    elif isinstance(kind, pl.List):
        column = column.list.len()
    elif kind.is_temporal():
        column = column.to_physical()
    return float(column.cast(pl.Float64 if kind.is_float() else pl.Int64).sum())


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A Spark of this process, on loopback, in UTC."""
    if shutil.which("java") is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Java: CI has to have it")
        pytest.skip("Spark needs Java 17, and there is no `java` here")
    from pyspark.sql import SparkSession  # noqa: PLC0415  starts a JVM

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", "1g")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    yield session
    session.stop()


def with_spark(api: Api, lake: Path, spark: Any) -> Figures:
    """Partitions found and typed by Spark itself."""
    from pyspark.sql.pandas.types import to_arrow_schema  # noqa: PLC0415  the same

    texts = {
        "quote": "`", "number": "{}", "truth": "INT({})", "text": "length({})", "list": "size({})",
        "time": "CAST(unix_micros({}) AS DECIMAL(38, 0))", "date": "unix_date({})",
    }  # fmt: skip
    frame = spark.read.option("mergeSchema", "true").parquet(str(lake / "tables" / api.name))
    frame.createOrReplaceTempView(api.name)
    schema = to_arrow_schema(frame.schema, timezone="UTC")
    return sql_figures(api, lambda sql: spark.sql(sql).collect(), schema, texts)


def expected(api: Api, lake: Path) -> Figures:
    """What DuckDB finds, with the types that are declared."""
    found = with_duckdb(api, lake)
    return {field.name: (field.type, *found[field.name][1:]) for field in columns_of(api)}


def assert_agree(found: Figures, wanted: Figures) -> None:
    """Every column has the same type, count and sum (a double's up to its last digits)."""
    wrong = {
        name: (found.get(name), figures)
        for name, figures in wanted.items()
        if found[name][:2] != figures[:2]
        or not math.isclose(found[name][2], figures[2], rel_tol=1e-12, abs_tol=1e-6)
    }
    assert not wrong


apis = pytest.mark.parametrize("api", CATALOGUE.values(), ids=CATALOGUE)


@apis
@pytest.mark.parametrize("reader", [with_duckdb, with_pandas, with_polars])
def test_readers_find_the_same(
    company_lake: Path, api: Api, reader: Callable[[Api, Path], Figures]
) -> None:
    """Each reader finds every declared column and partition, typed as declared, with equal sums."""
    wanted = expected(api, company_lake)
    assert wanted["id"][1] > 0
    assert_agree(reader(api, company_lake), wanted)


@pytest.mark.spark
@pytest.mark.slow
@apis
def test_spark_finds_the_same(company_lake: Path, api: Api, spark: Any) -> None:
    """Spark finds every declared column and partition, typed as declared, with equal sums."""
    assert_agree(with_spark(api, company_lake, spark), expected(api, company_lake))


def test_the_figures_are_those_of_the_files(company_lake: Path) -> None:
    """What all readers agree on is what lies in the files, counted one by one."""
    files = list(company_lake.glob("tables/sign_ins/*/*/*/events.parquet"))
    assert len(files) == 12
    older = [file for file in files if "user_agent" not in ds.dataset(file).schema.names]
    assert len(older) == 1
    rows = sum(ds.dataset(file).count_rows() for file in files)
    with open_lake_database(str(company_lake)) as con:
        found = con.execute(
            "SELECT count(*), count(DISTINCT id), count(DISTINCT (date, hour)), "
            "count(*) FILTER (_extra IS NOT NULL), "
            "bool_and(date = timezone('UTC', created_date_time)::DATE "
            "AND hour = hour(timezone('UTC', created_date_time)) // 2 * 2) FROM sign_ins"
        ).fetchone()
    assert found == (rows, rows, len(files), 1, True)
