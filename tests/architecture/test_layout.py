"""How the source is laid out: sizes, names, reasons, nothing of the machine it came from."""

import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 300
EMPTY_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}
BINARY = {".png", ".zst", ".parquet", ".ico", ".woff2"}


def _hidden(name: str) -> bool:
    return name.startswith(".") and name != ".ci"


def tracked_files() -> list[Path]:
    """The files of the project as git knows them; all files where this is no git checkout."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=False
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return [path for path in map(ROOT.joinpath, names) if path.is_file()]
    skipped = {"node_modules", "__pycache__"}
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not any(_hidden(p) or p in skipped for p in path.relative_to(ROOT).parts[:-1])
    ]


FILES = tracked_files()
SOURCES = [path for path in FILES if path.suffix == ".py"]


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_listing_is_not_empty() -> None:
    """The checks below look at something."""
    assert len(SOURCES) > 20


def test_modules_are_small() -> None:
    """No module of the product has more than 300 lines."""
    code = [p for p in SOURCES if p.relative_to(ROOT).parts[0] in {"include", "dags", "plugins"}]
    lines = {_shown(p): len(p.read_text(encoding="utf-8").splitlines()) for p in code}
    assert {name: n for name, n in lines.items() if n > MOST_LINES} == {}


def test_names_say_what_is_inside() -> None:
    """No file or folder is named for being shared instead of for what it does."""
    wrong = [
        _shown(path)
        for path in SOURCES
        if EMPTY_NAMES & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
    ]
    assert wrong == []


def test_a_folder_has_a_map() -> None:
    """The first thing in a folder with more than two modules says what each of them is for."""
    wrong = []
    for init in (p for p in SOURCES if p.name == "__init__.py" and "include" in p.parts):
        text = init.read_text(encoding="utf-8")
        inside = {p.stem for p in init.parent.glob("*.py")} - {"__init__", "__main__"}
        inside |= {p.parent.name for p in init.parent.glob("*/__init__.py")}
        if len(inside) > 2 and init.parent.name != "catalogue":
            named = set(re.findall(r"\w+", text.split('"""')[1] if text else ""))
            wrong += [f"{_shown(init)}: {name}" for name in sorted(inside - named)]
    assert wrong == []


def test_an_ignored_rule_has_its_reason() -> None:
    """Every `noqa` names its rule and says why on the same line (benchmarks excepted)."""
    marker = re.compile(r"#\s*noqa\b(?P<rest>.*)")
    reasoned = re.compile(r"^: ?[A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*\s*\S.{4,}")
    wrong = [
        f"{_shown(path)}:{number}"
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] != "bench" and path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := marker.search(line)) and not reasoned.match(found["rest"])
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"\.\./" + "shared", id="a folder beside the project"),
        pytest.param(r"\." + r"library\b", id="a tool of the machine"),
        pytest.param(r"(?<![\w.])/(work|root|home/(?!airflow))/", id="a path of the machine"),
        pytest.param(
            r"-{2}(extra-)?index-url|python" + "hosted|pypi" + r"\.org/simple", id="a package index"
        ),
    ],
)
def test_the_project_stands_alone(pattern: str) -> None:
    """No file names a folder outside of the project, a machine's path or a package index."""
    wrong = []
    for path in FILES:
        if path.suffix in BINARY or path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        wrong += [f"{_shown(path)}: {found[0]}" for found in re.finditer(pattern, text)]
    assert wrong == []


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "requirements-docker.txt"]
)
def test_requirements_are_exact_and_locked(name: str) -> None:
    """Every requirement has one exact version, and the lock has that version with a hash."""
    lock = (ROOT / name).with_suffix(".lock").read_text(encoding="utf-8")
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if not line or line.startswith(("#", "-r")):
            continue
        wanted = Requirement(line)
        version = str(wanted.specifier).removeprefix("==")
        assert str(wanted.specifier).startswith("=="), f"{line} is not exact"
        locked = rf"^{re.escape(wanted.name)}(\[[^]]*\])?=={re.escape(version)}[ ;].*\\$"
        found = re.search(locked + r"\n\s+--hash=sha256:", lock, re.MULTILINE)
        assert found, f"{line} is not in the lock"


def test_test_folders_share_by_the_kit_alone() -> None:
    """A test imports its own folder and `tests.kit`; what only one folder uses isn't in the kit."""
    imported = re.compile(r"^from tests\.(\S+) import (.+)$", re.MULTILINE)
    users: dict[str, set[Path]] = {}
    wrong = []
    for path in (p for p in SOURCES if p.is_relative_to(ROOT / "tests")):
        folder = ".".join(path.relative_to(ROOT / "tests").parts[:-1])
        for module, names in imported.findall(path.read_text(encoding="utf-8")):
            if module.startswith("kit."):
                users.setdefault(module.removeprefix("kit."), set()).add(path.parent)
            elif not f"{module}.".startswith(f"{folder}.") and not names.startswith("test_"):
                wrong.append(f"{_shown(path)}: {module}")
    assert wrong == []
    every = {ROOT / "tests"}  # the root conftest is there for all
    lonely = {name for name, folders in users.items() if len(folders) < 2 and folders != every}
    assert lonely == set()
    assert set(users) == {p.stem for p in (ROOT / "tests/kit").glob("*.py")} - {"__init__"}


def test_no_link_is_tracked() -> None:
    """A link that is tracked replaces, at a checkout, the ignored folder that it is named as."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-s"], capture_output=True, text=True, check=False
    )
    assert [line for line in listed.stdout.splitlines() if line.startswith("120000")] == []
