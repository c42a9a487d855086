"""DuckDB with the lake's tables, the views and the ten questions open."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb

from include.bi.azure import azure_statements, quoted
from include.entra_logs.api import Api
from include.entra_logs.apis import CATALOGUE
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

    For `abfs://` one of them is the secret of the storage account: not to be logged.
    """
    root = table_root(lake_url)
    statements = azure_statements(azure or {}) if root.startswith("az://") else []
    with duckdb.connect() as con:
        for statement in statements:
            con.execute(statement)
        tables = [_table_view(con, api, root) for api in CATALOGUE.values()]
    statements += [(HERE / "settings.sql").read_text(), *tables]
    statements += [path.read_text() for path in sorted((HERE / "views").glob("*.sql"))]
    statements += [
        f"CREATE OR REPLACE VIEW {path.stem} AS\n{path.read_text()}" for path in question_files()
    ]
    return statements


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


def _table_view(con: duckdb.DuckDBPyConnection, api: Api, root: str) -> str:
    """The view of one table: every declared column, also those that older files do not have."""
    declared = con.from_arrow(table_schema(api).empty_table())
    columns = dict(zip(declared.columns, map(str, declared.types), strict=True)) | PARTITIONS
    nulls = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in columns.items())
    files = f"{root}/{api.name}/*/*/*/events.parquet"
    view = f"CREATE OR REPLACE VIEW {api.name} AS SELECT {nulls} WHERE false"
    if con.execute("SELECT 1 FROM glob(?) LIMIT 1", [files]).fetchone():
        kinds = ", ".join(f"{name}: {kind}" for name, kind in PARTITIONS.items())
        source = (
            f"read_parquet({quoted(files)}, union_by_name = true, hive_partitioning = true,"
            f" hive_types = {{{kinds}}})"
        )
        view += f" UNION ALL BY NAME SELECT * FROM {source}"  # noqa: S608  every part is quoted
    return view
