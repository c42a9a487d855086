"""Fixtures and settings for every test."""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.kit.airflow_home import use_throwaway_home
from tests.kit.azurite import Azurite, start_azurite

NO_SKIPS = pytest.StashKey[bool]()
"""Whether everything is installed, as in CI, so that a skip is a failure."""
_no_skips = os.environ.get("ENTRA_NO_SKIPS") == "1"
# Read before the next line, which forgets every ENTRA_: this process's and its workers'.
use_throwaway_home()

settings.register_profile(
    "entra", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("entra")

# Nothing outside this machine: a proxy of the developer's shell must not see a test's traffic.
for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
    os.environ.pop(name, None)

SECONDS = {"slow": 20, "airflow": 5, "browser": 5, "spark": 10}
"""About what a test with this mark takes in CI; `long` says it itself. For the order of files."""


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """The metadata database of this process's throw-away Airflow."""
    from airflow.utils.db import upgradedb  # noqa: PLC0415  seconds, for the tests that ask

    upgradedb()


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """A storage account; a test makes a container of its own in it."""
    with start_azurite() as running:
        yield running


def pytest_configure(config: pytest.Config) -> None:
    """A worker of a parallel run is told what the environment said to the run."""
    told: dict[str, Any] = getattr(config, "workerinput", {})
    config.stash[NO_SKIPS] = told.get("no_skips", _no_skips)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker."""
    node.workerinput["no_skips"] = node.config.stash[NO_SKIPS]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a parallel run the longest files come first, so that none is left for the end."""
    if hasattr(config, "workerinput"):
        weight: Counter[Any] = Counter()
        for item in items:
            known = (
                m.args[0] if m.name == "long" else SECONDS.get(m.name, 0)
                for m in item.iter_markers()
            )
            weight[item.path] += max(known, default=0)
        items.sort(key=lambda item: -weight[item.path])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Where everything is installed (ENTRA_NO_SKIPS=1, as in CI), a skip is a failure."""
    report = yield
    if item.config.stash[NO_SKIPS] and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {item.nodeid}: {report.longrepr}"
    return report
