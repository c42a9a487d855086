"""`make screenshot`: the README's picture, of the real Airflow UI with real runs.

A local Airflow catches up a day of the three main DAGs from the emulator, in a folder of its own;
headless Chromium then looks at the grid of one of them.
"""

import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from include.demo.airflow import ROOT, LocalAirflow, airflow_environment, free_port
from include.demo.processes import Processes
from include.entra_logs.api import partition_start
from include.entra_logs.apis import CATALOGUE
from include.graph_emulator.process import start_emulator

PICTURE = ROOT / "docs" / "images" / "airflow-ui.png"
SHOWN = "entra_sign_ins"
SIZE = (1440, 860)
BACK = timedelta(hours=24)
PATIENCE = 900.0
LIVELY = 12_000.0
"""Sign-ins a day: enough to be read, few enough to be quick."""
WIDE_GRID = """localStorage.setItem("react-resizable-panels:grid-ltr", JSON.stringify(
  {"details-panel,main-panel": {expandToSizes: {}, layout: [42, 58]}}))"""
"""How the UI of Airflow 3.3 remembers where its two panels meet."""


def finished(airflow: LocalAirflow, since: datetime) -> bool:
    """True once each DAG's runs have ended, eleven at least; RuntimeError if one failed."""
    for name in CATALOGUE:
        states = [run["state"] for run in airflow.runs(f"entra_{name}", since)]
        if "failed" in states:
            raise RuntimeError(f"a run of entra_{name} failed; look at {airflow.url}")
        if len(states) < 11 or set(states) != {"success"}:
            return False
    return True


def shoot(page: Page, url: str, picture: Path) -> None:
    """Save what the page of the DAG shows once its grid is there."""
    page.add_init_script(WIDE_GRID)
    page.goto(f"{url}/dags/{SHOWN}")
    for task in ("authenticate", "extract", "normalise", "load"):
        page.get_by_text(task, exact=True).first.wait_for(timeout=60_000)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1_500)
    picture.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=picture)


def main() -> int:
    """Exit code 0 once the picture is saved."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("Chromium is not installed (Debian: apt-get install chromium)")
        return 1
    since = partition_start(datetime.now(UTC) - BACK)
    with (
        tempfile.TemporaryDirectory(prefix="entra-screenshot-") as folder,
        start_emulator(sign_ins_per_day=LIVELY) as emulator,
    ):
        connections = {"msgraph_default": emulator.connection}
        environment = airflow_environment(Path(folder) / "airflow", free_port(), connections)
        environment |= {
            "ENTRA_START": since.isoformat(),
            "ENTRA_LAKE_URL": (Path(folder) / "lake").as_uri(),
        }
        with Processes(Path(folder) / "logs", environment) as processes:
            airflow = LocalAirflow(processes)
            airflow.start()
            airflow.unpause(f"entra_{name}" for name in CATALOGUE)
            deadline = time.monotonic() + PATIENCE
            while not finished(airflow, since):
                airflow.check()
                if time.monotonic() > deadline:
                    raise RuntimeError(f"not caught up within {PATIENCE:.0f} s")
                time.sleep(2)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox"]
                )
                width, height = SIZE
                page = browser.new_page(viewport={"width": width, "height": height})
                shoot(page, airflow.url, PICTURE)
                browser.close()
    print(f"saved {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
