"""`make screenshot`: the README's pictures, of the real Airflow UI.

A local Airflow catches up a day of the three main DAGs from the emulator, in a folder of its own;
headless Chromium then looks at the grid of one of them. Then, on a lake of eight days in which
something went wrong, at the lake page, light and dark.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from include.demo.airflow import ROOT, LocalAirflow, airflow_environment
from include.demo.processes import Processes
from include.entra_logs.api import partition_start
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.lake import open_lake
from include.graph_emulator.process import start_emulator
from tests.browser import mixed_lake
from tests.kit.ports import quiet_port

IMAGES = ROOT / "docs" / "images"
GRID = IMAGES / "airflow-ui.png"
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
    page.screenshot(path=picture)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium. Nothing else that runs an event loop works in this thread meanwhile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def shoot_grid() -> None:
    """The grid of a DAG that has caught up a day."""
    since = partition_start(datetime.now(UTC) - BACK)
    with (
        tempfile.TemporaryDirectory(prefix="entra-screenshot-") as folder,
        start_emulator(sign_ins_per_day=LIVELY) as emulator,
    ):
        connections = {"msgraph_default": emulator.connection}
        environment = airflow_environment(Path(folder) / "airflow", quiet_port(), connections)
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
            width, height = SIZE
            with chromium() as browser:
                page = browser.new_page(viewport={"width": width, "height": height})
                shoot(page, airflow.url, GRID)


def shoot_lake() -> None:
    """The lake page with a disputed interval chosen, light and dark."""
    moment = mixed_lake.now()
    first = mixed_lake.first_interval(moment, days=8)
    with (
        tempfile.TemporaryDirectory(prefix="entra-screenshot-") as folder,
        start_emulator(sign_ins_per_day=LIVELY / 3, throttling=False) as emulator,
    ):
        lake = open_lake((Path(folder) / "lake").as_uri())
        mixed_lake.fill(lake, emulator, first, moment)
        with (
            mixed_lake.airflow_ui(Path(folder), emulator, lake, first) as url,
            chromium() as browser,
        ):
            for theme in ("light", "dark"):
                page = browser.new_page(viewport={"width": 1440, "height": 1560})
                page.add_init_script(f"localStorage.setItem('theme', '{theme}')")
                page.goto(url)
                page.fill("input[name=username]", "admin", timeout=60_000)
                page.fill("input[name=password]", mixed_lake.PASSWORD)
                page.click("button[type=submit]")
                page.get_by_role("link", name="Entra Lake").click(timeout=60_000)
                frame = page.frame_locator("iframe")
                frame.locator("button[data-state=disputed]").click(timeout=60_000)
                frame.locator("#details table").wait_for()
                frame.locator("body").evaluate(
                    "body => body.ownerDocument.defaultView.scrollTo(0, 0)"
                )
                page.screenshot(path=IMAGES / f"lake-page-{theme}.png")
                page.close()


def main() -> int:
    """Exit code 0 once the pictures are saved."""
    if shutil.which("chromium") is None:
        print("Chromium is not installed (Debian: apt-get install chromium)")
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    shoot_grid()
    shoot_lake()
    print(f"saved in {IMAGES.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
