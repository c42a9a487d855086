"""In CI nothing is skipped in silence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("workers", ["0", "1"], ids=["in one process", "in parallel"])
@pytest.mark.parametrize(("wanted", "ended"), [("1", 1), ("", 0)], ids=["in CI", "elsewhere"])
def test_a_skip_fails_where_everything_is_installed(
    tmp_path: Path, wanted: str, ended: int, workers: str
) -> None:
    """`ENTRA_NO_SKIPS=1` makes a skip a failure, though tests and workers forget every ENTRA_."""
    skips = tmp_path / "test_that_skips.py"
    skips.write_text("import pytest\n\n\ndef test() -> None:\n    pytest.skip('not here')\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-n", workers, str(skips)],
        cwd=tmp_path,
        env=os.environ | {"ENTRA_NO_SKIPS": wanted, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ended, done.stdout + done.stderr
    assert ("skipped where nothing may be" in done.stdout) == (ended == 1)
