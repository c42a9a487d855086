"""`make bi`: DuckDB's own shell with the lake's views open; or the answer to one question.

python -m include.bi                       the shell; `FROM who_works_late;` asks a question
python -m include.bi question NAME         one answer as a table
python -m include.bi questions             the names and wordings of all ten
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from include.bi.database import open_lake_database, opening_statements
from include.bi.questions import ask, questions, show
from include.entra_logs.errors import EntraLakeError
from include.entra_logs.settings import load_settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def shell(context: typer.Context) -> None:
    """DuckDB's own shell, with the tables, views and questions of the lake open."""
    if context.invoked_subcommand is None:
        lake_url, azure = _lake()
        raise typer.Exit(open_shell(lake_url, azure))


@app.command()
def question(
    name: str,
    time_zone: Annotated[str, typer.Option(help="Of the calendar: an IANA name.")] = "UTC",
    rows: Annotated[int, typer.Option(help="Rows to print.")] = 20,
) -> None:
    """The answer to one question, as a table."""
    lake_url, azure = _lake()
    with open_lake_database(lake_url, azure, time_zone) as con:
        show(ask(con, name), Console(), rows)


@app.command(name="questions")
def all_questions() -> None:
    """The names and wordings of all questions."""
    for name, wording in questions().items():
        typer.echo(f"{name:34}{wording}")


def open_shell(lake_url: str, azure: Mapping[str, str] | None) -> int:
    """The exit code of DuckDB's shell, after its user has left it.

    What opens the lake, the secret of an Azure account among it, lies in a file that only this user
    can read while the shell runs.
    """
    program = str(resources.files("duckdb_cli") / "duckdb")
    with TemporaryDirectory() as folder:
        script = Path(folder) / "lake.sql"
        script.touch(mode=0o600)
        statements = opening_statements(lake_url, azure)
        script.write_text(".output /dev/null\n" + ";\n".join(statements) + ";\n.output\n")
        welcome = "FROM sign_ins LIMIT 5;   SHOW TABLES;   FROM who_works_late;   .quit"
        if sys.stdin.isatty():
            typer.echo(f"The lake {lake_url} is open. Try: {welcome}")
        shell = [program, "-init", str(script)]
        return subprocess.run(shell, check=False).returncode  # noqa: S603  our own program


def _lake() -> tuple[str, Mapping[str, str] | None]:
    """The lake that the environment names, and what opens its store if that is on Azure."""
    lake_url = load_settings().lake_url
    if not lake_url.startswith("abfs://"):
        return lake_url, None
    from include.entra_logs.airflow_bridge import azure_of  # noqa: PLC0415 - imports Airflow

    return lake_url, azure_of(lake_url)


if __name__ == "__main__":
    try:
        app(prog_name="python -m include.bi", standalone_mode=True)
    except EntraLakeError as error:
        typer.echo(str(error), err=True)
        sys.exit(os.EX_CONFIG)
