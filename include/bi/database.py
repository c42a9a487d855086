"""DuckDB with the lake's tables, the views and the ten questions open."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb

from include.bi.azure import azure_statements, quoted
from include.entra_logs.api import Api
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Refused
from include.entra_logs.schema import table_schema

HERE = Path(__file__).parent
PARTITIONS = {"tenant_id": "VARCHAR", "date": "DATE", "hour": "INTEGER"}
"""Columns that come from the path. `hour=04` is the number 4 for every reader."""


def open_lake_database(
    lake_url: str, azure: Mapping[str, str] | None = None, time_zone: str = "UTC"
) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with a view for each table of the lake, each view and each question.

    `lake_url` is that of ENTRA_LAKE_URL, or a local path; `azure` is what the lake's store was
    opened with, needed for `abfs://`. Nothing is copied: a query reads what the lake holds then.
    A table without any file is an empty view with all its columns.
    """
    con = duckdb.connect()
    for statement in opening_statements(lake_url, azure):
        con.execute(statement)
    set_time_zone(con, time_zone)
    return con


def set_time_zone(con: duckdb.DuckDBPyConnection, time_zone: str) -> None:
    """Let the calendar be of `time_zone` (an IANA name); raises Refused for an unknown one."""
    known = con.execute("SELECT 1 FROM pg_timezone_names() WHERE name = ?", [time_zone]).fetchone()
    if known is None:
        raise Refused(f"{time_zone!r} is no time zone; use a name such as Europe/Berlin")
    con.execute(f"SET VARIABLE time_zone = {quoted(time_zone)}")


def opening_statements(lake_url: str, azure: Mapping[str, str] | None = None) -> list[str]:
    """The SQL that opens the lake in a DuckDB of this version, in order.

    DuckDB looks into every file of a table for each view that it is told of. So views and questions
    are told while the tables are still empty, and the tables last: the lake is looked at once.
    For `abfs://` one statement is the secret of the storage account: not to be logged.
    """
    root = table_root(lake_url)
    account = azure_statements(azure or {}) if root.startswith("az://") else []
    views = [path.read_text() for path in sorted((HERE / "views").glob("*.sql"))]
    questions = [
        f"CREATE OR REPLACE VIEW {path.stem} AS\n{path.read_text()}" for path in question_files()
    ]
    with duckdb.connect() as con:
        for statement in account:
            con.execute(statement)
        columns = {api: _columns(con, api) for api in CATALOGUE.values()}
        empty = [_empty_view(api, kinds) for api, kinds in columns.items()]
        tables = [_table_view(con, api, kinds, root) for api, kinds in columns.items()]
    settings = (HERE / "settings.sql").read_text()
    return [*account, settings, *empty, *views, *questions, *filter(None, tables)]


def question_files() -> list[Path]:
    """The ten first questions, one file each."""
    return sorted((HERE / "questions").glob("*.sql"))


def table_root(lake_url: str) -> str:
    """The folder of the tables as DuckDB writes it: a local path, or `az://<container>/…`."""
    parts = urlsplit(lake_url)
    if parts.scheme == "abfs":
        container = parts.netloc.rpartition("@")[2]
        return f"az://{container}{parts.path.rstrip('/')}/tables"
    if parts.scheme not in ("", "file"):
        raise Refused(f"a lake is file:///… or abfs://…, not {parts.scheme}://")
    return str(Path(unquote(parts.path) if parts.scheme else lake_url).absolute() / "tables")


def _columns(con: duckdb.DuckDBPyConnection, api: Api) -> dict[str, str]:
    """Every declared column of a table, then those of the path, with DuckDB's types."""
    declared = con.from_arrow(table_schema(api.table).empty_table())
    return dict(zip(declared.columns, map(str, declared.types), strict=True)) | PARTITIONS


def _empty_view(api: Api, columns: Mapping[str, str]) -> str:
    nulls = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in columns.items())
    return f"CREATE OR REPLACE VIEW {api.name} AS SELECT {nulls} WHERE false"


def _table_view(
    con: duckdb.DuckDBPyConnection, api: Api, columns: Mapping[str, str], root: str
) -> str | None:
    """The view of one table, all its columns, also those that no file has; None without files."""
    files = f"{root}/{api.name}/*/*/*/events.parquet"
    if not con.execute("SELECT 1 FROM glob(?) LIMIT 1", [files]).fetchone():
        return None
    kinds = ", ".join(f"{name}: {kind}" for name, kind in PARTITIONS.items())
    source = (
        f"read_parquet({quoted(files)}, union_by_name = {not _are_alike(con, files)},"
        f" hive_partitioning = true, hive_types = {{{kinds}}})"
    )
    names = ", ".join(f'"{name}"' for name in columns)
    union = f"({_empty_view(api, columns).partition(' AS ')[2]} UNION ALL BY NAME FROM {source})"
    return f"CREATE OR REPLACE VIEW {api.name} AS SELECT {names} FROM {union}"  # noqa: S608  quoted


def _are_alike(con: duckdb.DuckDBPyConnection, files: str) -> bool:
    """Whether all files have the same columns, as ever when none is older than a declaration.

    Then a query need not look into each file before it can drop most by their partition.
    """
    found = con.execute(
        "SELECT count(DISTINCT names) FROM "
        "(SELECT list_sort(list(name)) AS names FROM parquet_schema(?) GROUP BY file_name)",
        [files],
    ).fetchone()
    return found == (1,)
