"""What the written docs point at exists: files, headings, commands, settings; pages are fresh."""

import re
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.docs.dags import PAGE, dags_page
from include.entra_logs.schema import table_schema
from include.entra_logs.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make, as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page leads to a file, and its anchor to a heading there."""
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_exist(page: Path) -> None:
    """Every `make` target, `python -m` module and project script that a page names exists."""
    text = page.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    for command in re.findall(r"(?:^|`)make((?: [a-z][\w-]*)+)", text, re.MULTILINE):
        assert set(command.split()) <= targets, f"{page.name}: make{command}"
    for module in re.findall(r"python -m (include[\w.]+)", text):
        path = ROOT / module.replace(".", "/")
        found = path.with_suffix(".py").exists() or (path / "__main__.py").exists()
        assert found, f"{page.name}: python -m {module}"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_names_are_spelt_right(page: Path) -> None:
    """Every ENTRA_ setting and every DAG that a page names exists."""
    text = page.read_text(encoding="utf-8")
    settings = {f"ENTRA_{name.upper()}" for name in Settings.model_fields}
    for name in re.findall(r"\bENTRA_[A-Z_]+[A-Z]\b", text):
        assert name in settings or name.startswith("ENTRA_NO_"), f"{page.name}: {name}"
    dags = {s.dag_id for api in CATALOGUE.values() for s in api.schedules()}
    starts = tuple(f"entra_{name}" for name in CATALOGUE)
    for name in re.findall(r"\bentra_[a-z0-9_]+\b", text):
        if name.startswith(starts):
            assert name in dags, f"{page.name}: {name}"


def test_page_of_the_dags_is_fresh() -> None:
    """docs/dags.md is what the catalogue says today; `make docs` writes it."""
    assert PAGE.read_text(encoding="utf-8") == dags_page()


def test_every_decision_is_numbered_and_listed() -> None:
    """The decisions have numbers without a gap, and the list in docs/adr names each."""
    decisions = sorted(p for p in (ROOT / "docs" / "adr").glob("*.md") if p.name != "README.md")
    assert [int(p.name[:4]) for p in decisions] == list(range(1, len(decisions) + 1))
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    for page in decisions:
        title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        number, _, words = title.partition(" · ")
        assert f"| [{number}]({page.name}) | {words} |" in index


def test_query_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every SQL block of the README runs on a lake with the declared columns."""
    for name, api in CATALOGUE.items():
        folder = tmp_path / f"lake/tables/{name}/tenant_id=t/date=2026-11-22/hour=00"
        folder.mkdir(parents=True)
        pq.write_table(table_schema(api.table).empty_table(), folder / "events.parquet")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```sql\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        duckdb.sql(block).fetchall()


def test_every_setting_of_the_readme_is_documented() -> None:
    """The generated table of settings has every ENTRA_ variable that the README names."""
    named = set(re.findall(r"\bENTRA_[A-Z_]+[A-Z]\b", (ROOT / "README.md").read_text("utf-8")))
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert named
    assert [name for name in named if f"`{name}`" not in table] == []
