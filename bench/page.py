"""Benchmark of the lake page: (a) how soon it answers, (b) what memory it takes in the API server.

    python -m bench.page        both
    python -m bench.page a      one of them

The lake has three years of ten tables in its ledger, Airflow the runs of the last 30 days (SQLite).
Modules are compiled before, as after an installation's first start. Asked is over HTTP on loopback
with a token, as a browser does. In (a) the server is the page behind Airflow's login; in (b) it is
the whole `airflow api-server`, beside one without our plugin, and the page shows the tables of the
catalogue.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import psutil

from bench.page_lake import APIS, TENANT, first, make_ledger, read_again
from include.demo.airflow import airflow_environment, free_port
from include.demo.processes import Processes
from include.entra_logs.api import PARTITION, partition_start, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.lake import Lake, open_lake
from include.lake_page.memory import FRESH_FOR

ROOT = Path(__file__).resolve().parents[1]
TARGET = 300.0
"""Milliseconds, of each answer."""
PROCESSES = 5
TURNS = 20
MEBIBYTE = 1024 * 1024


@contextmanager
def serving(
    folder: Path, environment: Mapping[str, str], *command: str
) -> Iterator[tuple[httpx.Client, psutil.Process]]:
    """A client, with a token, of the server that `command` starts, and its process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    ports = {"AIRFLOW__API__PORT": str(port), "AIRFLOW__API__BASE_URL": url}
    with (
        Processes(folder / "logs", dict(environment) | ports) as processes,
        httpx.Client(base_url=url, timeout=60, trust_env=False) as client,
    ):
        processes.start("server", command)
        client.headers["Authorization"] = f"Bearer {_token(client, processes)}"
        yield client, psutil.Process(processes.running["server"].pid)


def _token(client: httpx.Client, processes: Processes) -> str:
    """What the server gives everybody once it serves."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not processes.ended():
        try:
            return str(client.get("/auth/token").raise_for_status().json()["access_token"])
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"no server; see {processes.log_of('server').read_text()[-2000:]}")


def asked(client: httpx.Client, path: str, **params: str) -> float:
    """Milliseconds until the whole answer was there."""
    began = time.perf_counter()
    client.get(f"/lake/{path}", params=params).raise_for_status()
    return 1000 * (time.perf_counter() - began)


def show(what: str, found: list[float], target: float | None = TARGET) -> None:
    """A line with median and worst; the worst is held against the target."""
    verdict = ""
    if target is not None:
        verdict = f"  target {target:.0f}: {'met' if max(found) <= target else 'MISSED'}"
    print(
        f"    {what:44} median {statistics.median(found):7.1f}  worst {max(found):7.1f}  "
        f"of {len(found):2}{verdict}",
        flush=True,
    )


def answers(folder: Path, environment: Mapping[str, str], lake: Lake, now: datetime) -> None:
    """(a) The times of each answer, in fresh processes and in one that goes on."""
    print("(a) milliseconds until the answer is there", flush=True)
    page = partial(serving, folder, environment, sys.executable, "-m", "bench.page_server", "serve")
    with page("0") as (client, _):
        asked(client, "overview")  # from here on all modules are compiled
    imports, files, cold = [], [], []
    for _ in range(PROCESSES):
        with page("0") as (client, _):
            imports.append(client.get("/imports").json())
            files.append(asked(client, ""))
            cold.append(asked(client, "overview"))
    show("imports of the page, once in a process", imports, None)
    show("first page, in a fresh process", files)
    show("first overview, in a fresh process", cold)
    with page("0") as (client, _):
        check(client)
        show("overview, the ledger has changed", changing(client, lake, now))
        for name, times in others(now).items():
            show(name, [asked(client, **each) for each in times])
    with page(str(FRESH_FOR)) as (client, _):
        asked(client, "overview")
        show("overview, from memory", [asked(client, "overview") for _ in range(TURNS)])


def check(client: httpx.Client) -> None:
    """The overview shows every table, and nothing in it needs attention."""
    found = client.get("/lake/overview").json()
    names = [api["name"] for api in found["calendar"]["apis"]]
    causes = [cause["says"] for api in found["status"] for cause in api["causes"]]
    if names != list(APIS) or causes:
        raise RuntimeError(f"not the page of a healthy lake: {names}, {causes}")


def changing(client: httpx.Client, lake: Lake, now: datetime) -> list[float]:
    """The overview after each of so many new records."""
    times = []
    for turn in range(TURNS):
        read_again(lake, now, hours_ago=12 + 2 * turn)
        times.append(asked(client, "overview"))
    return times


def others(now: datetime) -> dict[str, list[dict[str, str]]]:
    """What else is asked, by the name of its line."""
    calendars = [now - timedelta(days=730 - 40 * turn) for turn in range(10)]
    starts = [partition_start(now - turn * timedelta(days=50)) - PARTITION for turn in range(TURNS)]
    assert starts[-1] > first(now)
    return {
        "calendar, of days two years and less back": [
            {"path": "calendar", "tenant": TENANT, "until": f"{day:%Y-%m-%d}"} for day in calendars
        ],
        "interval, of three years": [
            {"path": "interval", "tenant": TENANT, "api": name, "start": utc_text(start)}
            for name, start in zip(list(APIS) * TURNS, starts, strict=False)
        ],
    }


def memory(folder: Path, environment: Mapping[str, str], now: datetime) -> None:
    """(b) The API server with and without our plugin: after its start, after ten visits."""
    print("(b) MB of the processes of `airflow api-server`, one worker", flush=True)
    empty = folder / "no-plugins"
    empty.mkdir()
    found = {}
    for name, plugins in (("without our plugin", empty), ("with our plugin", ROOT / "plugins")):
        place = {"AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins)}
        with serving(folder, dict(environment) | place, "airflow", "api-server") as (
            client,
            server,
        ):
            for _ in range(10):
                client.get("/api/v2/dags").raise_for_status()
            started = used(server)
            for turn in range(10):
                visit(client, now - timedelta(days=turn), ours=plugins is not empty)
            found[name] = (started, used(server))
        print(f"    {name:20} {_line(found[name], '7.1f')}", flush=True)
    without, ours = found.values()
    more = (ours[0] - without[0], ours[1] - without[1])
    print(f"    {'difference':20} {_line(more, '+7.1f')}")


def _line(found: tuple[float, float], form: str) -> str:
    return f"{found[0]:{form}} started, {found[1]:{form}} after ten visits"


def visit(client: httpx.Client, until: datetime, *, ours: bool) -> None:
    """Open the page, and look at an earlier calendar; without the plugin it is not there."""
    params = {"tenant": TENANT, "until": f"{until:%Y-%m-%d}"}
    got = [client.get("/lake/"), client.get("/lake/overview")]
    got.append(client.get("/lake/calendar", params=params))
    if ours and len(got[1].raise_for_status().json()["calendar"]["apis"]) != len(CATALOGUE):
        raise RuntimeError(f"not the page: {got[1].text[:500]}")


def used(server: psutil.Process) -> float:
    """MB of memory (RSS) of the server and all that it started."""
    found = [each.memory_info().rss for each in (server, *server.children(recursive=True))]
    return sum(found) / MEBIBYTE


def main(parts: list[str]) -> None:
    """Make lake and database, and run the parts that were asked for."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(dir=ROOT / "bench") as name:
        folder = Path(name)
        lake = open_lake((folder / "lake").as_uri())
        print(f"{make_ledger(lake, now):,} records of {len(APIS)} tables", flush=True)
        environment = airflow_environment(folder / "airflow", free_port(), {}) | {
            "ENTRA_LAKE_URL": lake.url,
            "ENTRA_START": utc_text(first(now)),
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        }
        with Processes(folder / "logs", environment) as processes:
            processes.run("migrate", ["airflow", "db", "migrate"])
            processes.run("runs", [sys.executable, "-m", "bench.page_server", "runs"])
        if not parts or "a" in parts:
            answers(folder, environment, lake, now)
        if not parts or "b" in parts:
            memory(folder, environment, now)


if __name__ == "__main__":
    main(sys.argv[1:])
