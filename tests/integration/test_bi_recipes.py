"""Every recipe of docs/query.md that is code is run, as it is, beside a lake."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from include.bi.database import open_lake_database
from include.entra_logs.api import Api
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.schema import table_schema

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "query.md"
ELSEWHERE = ("powerquery", "synapse", "trino", "snowflake")
"""Languages of services that are not here."""


@dataclass(frozen=True)
class Recipe:
    """One fenced block of the page."""

    language: str
    code: str
    line: int
    before: str
    """The paragraph that introduces it."""

    def __str__(self) -> str:
        return f"line {self.line} {self.language}"


def recipes() -> list[Recipe]:
    """All fenced blocks, in order."""
    text = PAGE.read_text()
    return [
        Recipe(
            language=found[1],
            code=found[2],
            line=text.count("\n", 0, found.start()) + 1,
            before=text[: found.start()].rstrip().rpartition("\n\n")[2],
        )
        for found in re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]


def recipes_in(*languages: str) -> pytest.MarkDecorator:
    """One test for each recipe in one of the languages."""
    found = [recipe for recipe in recipes() if recipe.language in languages]
    return pytest.mark.parametrize("recipe", found, ids=str)


def run_beside(lake: Path, command: list[str]) -> str:
    """What the command prints, run in the folder that holds `lake/`; it must succeed."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "ENTRA_LAKE_URL": lake.as_uri(),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        command, cwd=lake.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_every_block_is_run_or_said_not_to_be() -> None:
    """No block of the page escapes: it is run, or it says that no test runs it."""
    for recipe in recipes():
        if recipe.language in ELSEWHERE:
            assert "Not run by a test" in recipe.before, recipe
        else:
            assert recipe.language in ("sql", "sh", "python", "python spark"), recipe


@recipes_in("sql")
def test_sql(recipe: Recipe, company_lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe in SQL runs in the DuckDB that `make bi` opens."""
    monkeypatch.chdir(company_lake.parent)
    with open_lake_database("lake") as con:
        rows = con.execute(recipe.code).fetchall()
    assert rows


@recipes_in("sh")
def test_sh(recipe: Recipe, company_lake: Path) -> None:
    """A recipe for the shell prints something."""
    assert run_beside(company_lake, ["bash", "-euc", recipe.code])


@recipes_in("python")
def test_python(recipe: Recipe, company_lake: Path) -> None:
    """A recipe in Python ends with a frame that has rows."""
    last = re.findall(r"^(\w+) = ", recipe.code, re.MULTILINE)[-1]
    code = f"{recipe.code}\nassert len({last}) > 0, '{last} has no rows'\n"
    run_beside(company_lake, [sys.executable, "-c", code])


@pytest.mark.spark
@pytest.mark.slow
@recipes_in("python spark")
def test_python_on_spark(recipe: Recipe, company_lake: Path) -> None:
    """A recipe for Spark ends with a frame that has rows."""
    if shutil.which("java") is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Java: CI has to have it")
        pytest.skip("Spark needs Java 17, and there is no `java` here")
    test_python(recipe, company_lake)


@recipes_in(*ELSEWHERE)
def test_names_in_recipes_for_other_services(recipe: Recipe) -> None:
    """What looks like a column in a recipe that cannot be run here is one."""
    known = {name for api in CATALOGUE.values() for name in names_of(api)}
    looks = set(re.findall(r"\b_?[a-z]+(?:_[a-z0-9]+)+\b", recipe.code))
    of_services = {
        "external_location", "partitioned_by", "sync_partition_metadata", "split_part",
        "to_date", "to_number", "timestamp_ntz", "entra_lake",
    }  # fmt: skip
    assert looks - of_services <= known
    assert looks & known


def names_of(api: Api) -> list[str]:
    """The table and all of its columns."""
    return [api.name, *table_schema(api.table).names, "tenant_id"]
