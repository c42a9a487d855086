"""`make demo`: 24 hours of a company's logs from the Graph emulator, by real Airflow, to Parquet.

The scheduler catches up the three main DAGs (sweeps stay paused); the summary holds the lake
against the emulator's ground truth. Then the Airflow UI stays up until Ctrl-C, or with `--once` all
ends, with exit code 0 only if the lake holds exactly the events that had arrived.
"""

import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from include.bi.database import open_lake_database
from include.bi.questions import first_answers, show
from include.demo.airflow import ROOT, LocalAirflow, airflow_environment, free_port
from include.demo.processes import Processes
from include.demo.summary import compare_with_truth, print_summary
from include.entra_logs.api import PARTITION, Schedule, Window, partition_start
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.lake import open_lake
from include.graph_emulator.process import Emulator, start_emulator

HOME = ROOT / ".demo"
UI_PORT = 8080
BACK = timedelta(hours=24)
PATIENCE = timedelta(minutes=30)
console = Console(width=None if sys.stdout.isatty() else 120)


def due_windows(schedule: Schedule, since: datetime, now: datetime) -> list[Window]:
    """The data intervals from `since` on that are settled by `now`."""
    windows = []
    start = partition_start(since)
    while start + PARTITION + schedule.settle <= now:
        windows.append(Window(start, start + PARTITION))
        start += PARTITION
    return windows


def catch_up(airflow: LocalAirflow, due: dict[Schedule, list[Window]]) -> bool:
    """Wait until every due interval has succeeded, with progress; False if a run failed."""
    columns = (TextColumn("{task.description:28}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TextColumn("{task.fields[now]}"), TimeElapsedColumn()) as progress:
        bars = {
            schedule: progress.add_task(schedule.dag_id, total=len(windows), now="")
            for schedule, windows in due.items()
        }
        deadline = time.monotonic() + PATIENCE.total_seconds()
        while not progress.finished:
            airflow.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"not caught up after {PATIENCE}; see the UI at {airflow.url}")
            for schedule, bar in bars.items():
                states = states_of(airflow, schedule, due[schedule])
                done, failed = states.count("success"), states.count("failed")
                progress.update(bar, completed=done, now=f"{failed} failed" if failed else "")
                if failed:
                    return False
            time.sleep(1)
    return True


def states_of(airflow: LocalAirflow, schedule: Schedule, windows: list[Window]) -> list[str]:
    """The states of the runs of these intervals, as far as there are runs."""
    starts = {window.start for window in windows}
    return [
        str(run["state"])
        for run in airflow.runs(schedule.dag_id, windows[0].start)
        if datetime.fromisoformat(run["logical_date"]) in starts
    ]


def run_demo(emulator: Emulator, *, once: bool) -> bool:
    """The demo against a running emulator; True if the lake equals the ground truth."""
    now = datetime.now(UTC)
    main = [api.schedules()[0] for api in CATALOGUE.values()]
    due = {schedule: due_windows(schedule, now - BACK, now) for schedule in main}
    home = HOME / "airflow"
    environment = airflow_environment(
        home, free_port(UI_PORT), {"msgraph_default": emulator.connection}
    )
    environment["ENTRA_START"] = min(w[0].start for w in due.values()).isoformat()
    environment["ENTRA_LAKE_URL"] = lake_url = (ROOT / "lake").as_uri()
    with Processes(HOME / "logs", environment) as processes:
        airflow = LocalAirflow(processes)
        with console.status("Airflow starts: database, pools, scheduler, API server …"):
            airflow.start()
        console.print(f"Airflow UI: [link={airflow.url}]{airflow.url}[/link] (no login)")
        airflow.unpause(schedule.dag_id for schedule in main)
        if not catch_up(airflow, due):
            console.print(f"[red]A run failed.[/red] Its log says why: {airflow.url}/dags")
            return False
        rows = compare_with_truth(open_lake(lake_url), emulator, due)
        print_summary(console, rows)
        for answer in first_answers(open_lake_database(lake_url)):
            show(answer, console)
        equal = all(row.equal for row in rows)
        console.print(
            "\n[green]The lake holds exactly the events that had arrived.[/green]"
            if equal
            else "\n[red]The lake differs from the ground truth, see the table above.[/red]"
        )
        if not once:
            console.print(f"\nWhat the lake has, as Airflow shows it: {airflow.url}/plugin/lake")
            console.print(f"The UI stays up at {airflow.url}; Ctrl-C ends everything.")
            while True:
                airflow.check()
                time.sleep(1)
        return equal


def main(*, once: Annotated[bool, typer.Option(help="End after the summary.")] = False) -> None:
    """Run the demo; Ctrl-C and SIGTERM end every process that was started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    HOME.mkdir(exist_ok=True)
    try:
        with start_emulator() as emulator:
            equal = run_demo(emulator, once=once)
    except KeyboardInterrupt:
        console.print("\nEverything is stopped.")
        sys.exit(0 if not once else 130)
    except RuntimeError as error:
        console.print(f"[red]{error}[/red]")
        sys.exit(1)
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    typer.run(main)
