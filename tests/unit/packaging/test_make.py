"""What `make test` does on a machine that lacks something."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NEEDED = ("make", "bash", "cp", "mkdir", "rm", "touch")
GETS = "mkdir -p .tools/node_modules"


@pytest.mark.parametrize(
    ("npm", "said", "got"),
    [
        (GETS, "", True),
        (f"{GETS}; exit 1", "npm could not get Azurite", False),
        (None, "npm is missing", False),
    ],
    ids=["npm gets it", "npm without its registry", "no npm"],
)
def test_azurite_that_cannot_be_had_is_skipped_aloud(
    tmp_path: Path, npm: str | None, said: str, *, got: bool
) -> None:
    """One sentence, and make goes on; the next time it is tried again."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "tests/tools", tmp_path / "tests/tools")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in NEEDED:
        found = shutil.which(name)
        assert found, name
        (programs / name).symlink_to(found)
    if npm is not None:
        (programs / "npm").write_text(f"#!{shutil.which('bash')}\n{npm}\n")
        (programs / "npm").chmod(0o755)
    done = subprocess.run(
        ["make", ".tools/.azurite"],
        cwd=tmp_path,
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if "will be skipped" in line] == lines
    assert len(lines) == (not got)
    assert said in done.stdout
    for kept in (".azurite", "node_modules"):
        assert (tmp_path / ".tools" / kept).exists() == got
