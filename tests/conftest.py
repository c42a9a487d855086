"""Fixtures and settings for every test."""

import os

from hypothesis import HealthCheck, settings

from tests.airflow_home import use_throwaway_home

use_throwaway_home()

settings.register_profile(
    "entra", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("entra")

# Nothing outside this machine: a proxy of the developer's shell must not see a test's traffic.
for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
    os.environ.pop(name, None)
