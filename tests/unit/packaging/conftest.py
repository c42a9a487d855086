"""The compose file, read once, and the .env that docker/make-env.sh prints."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """docker-compose.yaml with its anchors resolved, its variables as written."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))
    return found


@pytest.fixture(scope="session")
def make_env() -> Callable[..., dict[str, str]]:
    """Runs docker/make-env.sh with the given options; what it prints, by name."""

    def run(*options: str) -> dict[str, str]:
        script = ["sh", str(ROOT / "docker" / "make-env.sh"), *options]
        printed = subprocess.run(script, capture_output=True, text=True, check=True).stdout
        lines = (line.partition("=") for line in printed.splitlines())
        return {name: value.removeprefix("'").removesuffix("'") for name, _, value in lines}

    return run


@pytest.fixture(scope="session")
def run_config(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[dict[str, str]], subprocess.CompletedProcess[str]]:
    """Runs `docker-compose config` with exactly the given variables."""
    command = shutil.which("docker-compose")
    if command is None:
        pytest.skip("docker-compose is not installed")
    nothing = tmp_path_factory.mktemp("compose") / "empty.env"
    nothing.touch()

    def run(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                command,
                "--env-file",
                str(nothing),
                "-f",
                str(ROOT / "docker-compose.yaml"),
                "config",
            ],
            env={"PATH": os.environ["PATH"], **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
