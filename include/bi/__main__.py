"""`make bi`: DuckDB's own shell with the lake's views open; or the answer to one question.

python -m include.bi                       the shell; `FROM who_works_late;` asks a question
python -m include.bi question NAME         one answer as a table
python -m include.bi questions             the names and wordings of all ten
"""

import os
import sys
from collections.abc import Mapping
from importlib import resources
from tempfile import TemporaryFile
from typing import Annotated, NoReturn

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
        become_shell(lake_url, azure)


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


def become_shell(lake_url: str, azure: Mapping[str, str] | None) -> NoReturn:
    """Become DuckDB's shell: the same process from here on, so signals are the shell's own.

    What opens the lake, the secret of an Azure account among it, is read from a file that has no
    name: nothing is left behind, however the shell ends.
    """
    program = str(resources.files("duckdb_cli") / "duckdb")
    statements = opening_statements(lake_url, azure)
    script = TemporaryFile("w+")  # noqa: SIM115  the shell reads it, and its end closes it
    script.write(".output /dev/null\n" + ";\n".join(statements) + ";\n.output\n")
    script.seek(0)
    os.set_inheritable(script.fileno(), True)
    if sys.stdin.isatty():
        typer.echo(f"The lake {lake_url} is open. SHOW TABLES;   FROM who_works_late;   .quit")
    sys.stdout.flush()
    shell = [program, "-init", f"/dev/fd/{script.fileno()}"]
    os.execv(program, shell)  # noqa: S606  our own program, without a shell between


def _lake() -> tuple[str, Mapping[str, str] | None]:
    """The lake that the environment names, and what opens its store if that is on Azure."""
    settings = load_settings()
    if not settings.lake_url.startswith("abfs://"):
        return settings.lake_url, None
    from include.entra_logs.airflow_side import connections  # noqa: PLC0415  it imports Airflow: seconds

    connections.outside_tasks()
    return settings.lake_url, connections.azure_of(settings)


if __name__ == "__main__":
    try:
        app(prog_name="python -m include.bi", standalone_mode=True)
    except EntraLakeError as error:
        typer.echo(str(error), err=True)
        sys.exit(os.EX_CONFIG)
