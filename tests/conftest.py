"""Fixtures and settings for every test."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.kit.airflow_home import use_throwaway_home
from tests.kit.azurite import Azurite, start_azurite

NO_SKIPS = os.environ.get("ENTRA_NO_SKIPS") == "1"
"""Whether everything is installed, as in CI. Read first, as the next line forgets every ENTRA_."""
use_throwaway_home()

settings.register_profile(
    "entra", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("entra")

# Nothing outside this machine: a proxy of the developer's shell must not see a test's traffic.
for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
    os.environ.pop(name, None)


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Where everything is installed (ENTRA_NO_SKIPS=1, as in CI), a skip is a failure."""
    report = yield
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {item.nodeid}: {report.longrepr}"
    return report
