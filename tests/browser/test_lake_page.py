"""The lake page in the real Airflow UI, in Chromium, on a lake that has seen everything."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Frame, Page, expect, sync_playwright

from include.entra_logs.api import PARTITION, Window, utc_text
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.lake import Lake, open_lake
from include.entra_logs.ledger import ledger
from include.entra_logs.ledger.states import IntervalState, State, lateness, settled, states
from include.graph_emulator.process import start_emulator
from include.lake_page.app import app
from tests.browser.mixed_lake import (
    FAILED,
    OUTAGE,
    PASSWORD,
    airflow_ui,
    fill,
    first_interval,
    now,
    short_interval,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

PATIENCE = 60_000
ALL_OF = """cells => cells.map(cell => ({
    api: cell.closest('.grid').dataset.api, start: cell.dataset.start, state: cell.dataset.state,
    late: cell.dataset.late === 'yes', run: cell.dataset.run || '', name: cell.ariaLabel}))"""


@dataclass(frozen=True)
class Shown:
    """The page in Airflow's UI, and what it should be about."""

    page: Page
    url: str
    lake: Lake
    first: datetime
    short: datetime
    """The interval of which Graph left out a part."""
    asked: list[str]
    """The address of every request of the browser."""

    @property
    def frame(self) -> Frame:
        """The page's own frame."""
        (found,) = [f for f in self.page.frames if urlsplit(f.url).path == "/lake/"]
        return found

    def cell(self, api: str, start: datetime) -> Any:
        """The cell of an interval."""
        return self.frame.locator(
            f".grid[data-api={api}] button.cell[data-start='{utc_text(start)}']"
        )


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, Lake, datetime, datetime]]:
    """Airflow's UI on a lake of three days, its first interval, and the disputed one."""
    folder = tmp_path_factory.mktemp("lake-page")
    moment = now()
    first = first_interval(moment, days=3)
    lake = open_lake((folder / "lake").as_uri())
    with start_emulator(sign_ins_per_day=3000, throttling=False) as emulator:
        fill(lake, emulator, first, moment)
        with airflow_ui(folder, emulator, lake, first) as url:
            yield url, lake, first, short_interval(moment)


@pytest.fixture(scope="module")
def shown(served: tuple[str, Lake, datetime, datetime]) -> Iterator[Shown]:
    """The page, reached as a person does: logged in, by the navigation."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    url, lake, first, short = served
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, color_scheme="light")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(url)
        page.fill("input[name=username]", "admin", timeout=PATIENCE)
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        entry = page.get_by_role("link", name="Entra Lake")
        entry.wait_for(timeout=PATIENCE)
        assert entry.locator("img").evaluate("picture => picture.naturalWidth") > 0
        assert not [address for address in asked if "/lake" in address], "asked before it is opened"
        entry.click()
        frame = page.frame_locator("iframe")
        frame.locator(".grid button.cell").first.wait_for(timeout=PATIENCE)
        yield Shown(page, url, lake, first, short, asked)
        browser.close()


def known(shown: Shown) -> dict[tuple[str, str], IntervalState]:
    """What the ledger says of every interval that should be there, by API and start."""
    moment = now()
    return {
        (api.name, utc_text(found.interval.start)): found
        for api in CATALOGUE.values()
        for found in states(
            api,
            next(ledger.records(shown.lake)).tenant_id,
            ledger.records(shown.lake),
            Window(shown.first, settled(api, moment - api.freshness)),
        )
    }


def test_every_state_is_the_ledgers(shown: Shown) -> None:
    """Each cell of each calendar: state and late events; blank where nothing is expected."""
    cells = shown.frame.eval_on_selector_all(".grid button.cell", ALL_OF)
    assert len(cells) == len(CATALOGUE) * 30 * 12
    drawn = {(c["api"], c["start"]): c for c in cells}
    expected = known(shown)
    for key, interval in expected.items():
        assert drawn[key]["state"] == interval.state.value, (key, drawn[key])
        assert drawn[key]["late"] == bool(interval.late), key
        assert interval.state.value.replace("_", " ") in drawn[key]["name"]
    before = utc_text(shown.first)
    assert {c["state"] for c in cells if c["start"] < before} == {"none"}
    seen = {interval.state for interval in expected.values()}
    assert {State.VERIFIED, State.PROVISIONAL, State.EMPTY, State.MISSING, State.DISPUTED} <= seen
    assert any(interval.late for interval in expected.values())


def test_what_went_wrong_is_shown_where_it_did(shown: Shown) -> None:
    """Outage, failed run and short answer, each at its interval and at the top of the page."""
    for number in OUTAGE:
        cell = shown.cell("sign_ins", shown.first + number * PARTITION)
        expect(cell).to_have_attribute("data-state", "missing")
    failed = shown.cell("sign_ins", shown.first + FAILED * PARTITION)
    expect(failed).to_have_attribute("data-run", "failed")
    expect(failed).to_have_attribute("data-state", "missing")
    short = shown.cell("sign_ins", shown.short)
    expect(short).to_have_attribute("data-state", "disputed")
    told = shown.frame.locator("#attention")
    for kind in ("missing", "failed", "disputed"):
        expect(told.locator(f"li[data-kind={kind}]")).to_have_count(1)
    outage = utc_text(shown.first + OUTAGE.start * PARTITION)
    expect(told.locator("li[data-kind=missing] code")).to_contain_text(f"--from-date {outage}")


def test_freshness_budget_and_lateness(shown: Shown) -> None:
    """Each API: how old its newest interval is, what was asked of Graph, how late events come."""
    told = known(shown)
    for name in CATALOGUE:
        card = shown.frame.locator(f".card[data-api={name}]")
        expect(card).to_have_class("card fresh")
        expect(card).to_contain_text("of 3 h 0 min allowed")
        expect(card).to_contain_text("requests in 24 h")
        late, events, intervals = lateness(v for k, v in told.items() if k[0] == name)
        said = f"{late:,} of {events:,} events in {intervals:,} intervals"
        expect(card).to_contain_text(said if intervals else "cannot be said yet")


def test_a_cell_tells_its_reads_and_its_run(shown: Shown) -> None:
    """Rows, pages, what each read added, as the ledger has it; the command; the link to the run."""
    start = shown.short
    shown.cell("sign_ins", start).click()
    details = shown.frame.locator("#details")
    expect(details).to_contain_text("disputed")
    window = Window(start, start + PARTITION)
    records = list(ledger.records(shown.lake, "sign_ins", None, window))
    assert len(records) == 2
    rows = details.locator("tbody tr:has(td.number)")
    expect(rows).to_have_count(2)
    for number, record in enumerate(records):
        cells = [text.replace(",", "") for text in rows.nth(number).locator("td").all_inner_texts()]
        counts = record.at(start)
        assert cells[1] == record.kind.replace("_", " ", 1)
        assert [int(c) for c in cells[2:]] == [
            counts.brought,
            record.pages,
            counts.added,
            counts.changed,
            counts.unchanged,
            counts.lacked,
        ]
        told = f"its answer had {record.events:,} events: {record.distinct:,} for the table"
        if record.events == counts.brought:
            expect(details).not_to_contain_text(told)
        else:
            expect(details).to_contain_text(told)
    expect(details.locator("code").first).to_contain_text("airflow backfill create")

    failed = shown.first + FAILED * PARTITION
    shown.frame.locator("#attention li[data-kind=failed] button").click()
    expect(details).to_contain_text("entra_sign_ins failed")
    expect(shown.cell("sign_ins", failed)).to_be_focused()
    details.get_by_role("link", name="entra_sign_ins").first.click()
    shown.page.wait_for_url("**/dags/entra_sign_ins/runs/**", timeout=PATIENCE)
    expect(shown.page.get_by_text("Failed").first).to_be_visible(timeout=PATIENCE)
    shown.page.go_back()
    shown.page.frame_locator("iframe").locator(".grid button.cell").first.wait_for(timeout=PATIENCE)


def test_keyboard_alone(shown: Shown) -> None:
    """One tab stop for each calendar, arrows move by an interval or a day, Enter chooses."""
    start = shown.first + 20 * PARTITION
    assert shown.frame.locator(".grid button.cell[tabindex='0']").count() == len(CATALOGUE)
    shown.cell("sign_ins", start).focus()
    shown.page.keyboard.press("ArrowDown")
    expect(shown.cell("sign_ins", start + PARTITION)).to_be_focused()
    shown.page.keyboard.press("ArrowLeft")
    expect(shown.cell("sign_ins", start + PARTITION - timedelta(days=1))).to_be_focused()
    shown.page.keyboard.press("Enter")
    at = start + PARTITION - timedelta(days=1)
    expect(shown.frame.locator("#details h3").first).to_contain_text(f"{at:%Y-%m-%d %H:%M} to")


def test_older_days(shown: Shown) -> None:
    """Thirty days back nothing is expected; the way back to today is one step."""
    shown.frame.locator("#older").click()
    expect(shown.frame.locator("#newer")).to_be_enabled()
    expect(shown.frame.locator(".grid button.cell:not([data-state=none])")).to_have_count(0)
    shown.frame.locator("#newer").click()
    expect(shown.frame.locator("#newer")).to_be_disabled()
    expect(shown.frame.locator(".grid button[data-state=disputed]")).to_have_count(1)


def test_light_dark_and_narrow(shown: Shown, tmp_path: Path) -> None:
    """It takes Airflow's colours, dark ones too, and needs no sideways scrolling on a phone."""
    shown.page.screenshot(path=tmp_path / "light.png")
    background = """[document.body, document.documentElement].map(
        found => getComputedStyle(found).backgroundColor).find(c => c !== "rgba(0, 0, 0, 0)")"""
    light = shown.frame.evaluate(background)
    assert light == shown.page.evaluate(background)
    shown.page.evaluate("localStorage.setItem('theme', 'dark')")
    shown.page.reload()
    shown.page.frame_locator("iframe").locator(".grid button.cell").first.wait_for(timeout=PATIENCE)
    shown.page.screenshot(path=tmp_path / "dark.png")
    dark = shown.frame.evaluate(background)
    assert dark == shown.page.evaluate(background)
    assert dark != light
    shown.page.set_viewport_size({"width": 390, "height": 900})
    shown.page.goto(f"{shown.url}/lake/")
    shown.page.locator(".grid button.cell").first.wait_for(timeout=PATIENCE)
    assert shown.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_nothing_comes_from_elsewhere(shown: Shown) -> None:
    """The browser asked this Airflow alone."""
    assert len(shown.asked) > 20
    asked = {urlsplit(address) for address in shown.asked}
    assert {found.netloc for found in asked if found.scheme not in ("data", "blob")} == {
        urlsplit(shown.url).netloc
    }


def test_nobody_sees_it_without_a_login(served: tuple[str, Lake, datetime, datetime]) -> None:
    """Every route answers 401 to whom Airflow does not know; there are no schema pages."""
    url, *_ = served
    paths = [route.path for route in app.routes]
    assert {"/", "/overview", "/calendar", "/interval", "/page.js"} <= set(paths)
    for path in paths:
        answer = httpx.get(f"{url}/lake{path}", follow_redirects=True, trust_env=False)
        assert answer.status_code == 401, path
        assert "entra" not in answer.text.lower()
    for path in ("docs", "redoc", "openapi.json"):
        assert httpx.get(f"{url}/lake/{path}", trust_env=False).status_code in (401, 404), path
