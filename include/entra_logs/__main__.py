"""Commands on a lake: `python -m include.entra_logs --help` lists them.

`make verify` calls the first. The lake is the one that ENTRA_LAKE_URL names; one on Azure needs its
Airflow connection, by environment variable or in the database of the Airflow that AIRFLOW_HOME
names.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from include.entra_logs.api import Window
from include.entra_logs.catalogue import TABLES
from include.entra_logs.errors import EntraLakeError, Refused
from include.entra_logs.lake import Lake, layout, open_lake
from include.entra_logs.lake.store import machine_errors
from include.entra_logs.ledger.mending import set_aside
from include.entra_logs.proof.earlier import carry_over
from include.entra_logs.proof.rebuild import rebuild as rebuild_table
from include.entra_logs.proof.rebuild_ledger import rebuild_ledger as record_again
from include.entra_logs.proof.upgrade import upgrade as upgrade_table
from include.entra_logs.proof.verify import verify as verify_lake
from include.entra_logs.settings import load_settings
from include.entra_logs.table import Table

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console(soft_wrap=True, highlight=False)
TableName = Annotated[str | None, typer.Option(help="One table; all without it.")]
When = datetime | None
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]


def _lake() -> Lake:
    settings = load_settings()
    if settings.lake_url.startswith("file://"):
        return open_lake(settings.lake_url)
    from include.entra_logs.airflow_side import connections  # noqa: PLC0415  6 s that a local lake spares

    connections.outside_tasks()
    return connections.lake_of(settings)


def _table(name: str) -> Table:
    if name not in TABLES:
        raise Refused(f"--table was {name!r}; it may be {', '.join(TABLES)}.")
    return TABLES[name]


def _tables(name: str | None) -> list[Table]:
    return [_table(name)] if name else list(TABLES.values())


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


@app.command()
def verify(
    table: TableName = None,
    since: Annotated[When, typer.Option(help="First day to prove, UTC.", formats=FORMATS)] = None,
    until: Annotated[When, typer.Option(help="Day at which to stop, UTC.", formats=FORMATS)] = None,
) -> None:
    """Recompute from raw and tables what the ledger claims; exit 1 where they differ."""
    span = None
    if since or until:
        first = _utc(since) if since else datetime(1, 1, 2, tzinfo=UTC)
        span = Window(first, _utc(until) if until else datetime.now(UTC))
    report = verify_lake(_lake(), table and _table(table).name, span)
    for line in report.lines:
        console.print(line, markup=False)
    raise typer.Exit(0 if report.ok else 1)


@app.command()
def rebuild(
    table: Annotated[str, typer.Option(help="The table.")],
    tenant: Annotated[str | None, typer.Option(help="One tenant's guid; all without it.")] = None,
    partition: Annotated[
        When, typer.Option(help="Start of one partition, UTC; or all.", formats=FORMATS)
    ] = None,
) -> None:
    """Make partitions of a table again from raw, into their own place; readers see old or new."""
    done = rebuild_table(_lake(), _table(table), tenant, _utc(partition) if partition else None)
    for line in done.spared:
        console.print(line, markup=False)
    console.print(f"{done.partitions} partitions were made again from raw.")
    raise typer.Exit(1 if done.spared else 0)


@app.command()
def rebuild_ledger(table: TableName = None) -> None:
    """Load again every read in raw that has no record in the ledger, and record it.

    What cannot be read in the ledger is put aside first, to `ledger/broken/`, and records of an
    earlier version's form are carried over.
    """
    lake = _lake()
    if carried := carry_over(lake):
        console.print(f"{carried} records of an earlier form were carried over.")
    for each in _tables(table):
        for key in set_aside(lake, each.name):
            console.print(f"{key} could not be read: it is {layout.ledger_broken(key)} now.")
    recorded = sum(record_again(lake, each) for each in _tables(table))
    console.print(f"{recorded} reads were recorded again.")


@app.command()
def upgrade(table: TableName = None) -> None:
    """Give partitions that were written before a column was declared that column, with nulls."""
    lake = _lake()
    for each in _tables(table):
        console.print(f"{each.name}: {upgrade_table(lake, each)} partitions upgraded.")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        with machine_errors():
            app()
    except EntraLakeError as error:
        console.print(f"[red]{error}[/red]")
        sys.exit(1)
