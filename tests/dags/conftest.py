"""What the tests of dags/ share."""

import os

import pytest


@pytest.fixture
def airflow_env() -> dict[str, str]:
    """The environment of a child process in the throw-away Airflow of this test run."""
    return dict(os.environ)
