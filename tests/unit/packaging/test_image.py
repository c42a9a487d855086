"""The Dockerfile builds from what the project has, and the .env is made of fresh secrets."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_copies_what_exists() -> None:
    """Every COPY names a file or folder of the project that .dockerignore lets through."""
    sources = re.findall(r"^COPY (?:--\S+ )*(\S+) \S+$", DOCKERFILE, re.MULTILINE)
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert len(sources) == 5
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in let_through


def test_base_image_is_the_airflow_of_the_lock() -> None:
    """The image's Airflow and Python are the ones that the lock was resolved for."""
    base = re.search(r"^FROM apache/airflow:slim-([\d.]+)-python3\.11$", DOCKERFILE, re.MULTILINE)
    assert base
    lock = (ROOT / "requirements-docker.lock").read_text(encoding="utf-8")
    assert re.search(rf"^apache-airflow=={re.escape(base[1])} ", lock, re.MULTILINE)


def test_image_has_what_the_tests_ran_with() -> None:
    """Every version of requirements.lock is the same in the image's lock."""
    pin = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)
    image = dict(pin.findall((ROOT / "requirements-docker.lock").read_text(encoding="utf-8")))
    runtime = pin.findall((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    versions: dict[str, set[str]] = {}
    for name, version in runtime:
        versions.setdefault(name, set()).add(version)
    assert len(versions) > 100
    assert {n: image[n] for n in versions if n in image and image[n] not in versions[n]} == {}


def test_ends_as_a_user_without_rights() -> None:
    """The last USER of the image is `airflow`."""
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1] == "airflow"


@pytest.mark.parametrize("options", [[], ["--demo"]], ids=["real", "demo"])
def test_secrets_are_fresh(make_env: Callable[..., dict[str, str]], options: list[str]) -> None:
    """Two runs of docker/make-env.sh share no secret; none needs quoting in an address."""
    first, second = make_env(*options), make_env(*options)
    secret = [n for n in first if re.search(r"PASSWORD|KEY|SECRET", n)]
    assert len(secret) >= 6
    assert [n for n in secret if first[n] == second[n]] == []
    assert [n for n in secret if "PASSWORD" in n and not first[n].isalnum()] == []
    Fernet(first["AIRFLOW_FERNET_KEY"])


def test_secrets_stay_out_of_git() -> None:
    """The .env with the secrets is ignored by git."""
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
