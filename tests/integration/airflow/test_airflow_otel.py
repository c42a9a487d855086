"""The same metrics by OpenTelemetry, as a collector on this machine receives them."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

pytestmark = pytest.mark.airflow

SENDER = """
from datetime import UTC, datetime, timedelta
from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils
from include.entra_logs.airflow_side import metrics
from include.entra_logs.ledger.freshness import Freshness
stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
read = {"requests": 7, "pages": 6, "events": 5123, "bytes": 10**9, "throttled": 1, "waited": 2.5}
metrics.read("sign_ins", read | {"tenant_id": "tenant"})
hour = timedelta(hours=1)
metrics.freshness(Freshness("sign_ins", "tenant", datetime.now(UTC) - hour, hour, 3 * hour))
"""


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """The address of an OTLP collector, and what it was sent."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", bodies
        server.shutdown()


def test_names_values_and_tags() -> None:
    """Each metric has its API in the name, and API and tenant as attributes."""
    with collector() as (address, bodies):
        otel = {
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }
        subprocess.run([sys.executable, "-c", SENDER], env=os.environ | otel, check=True)
    found = {}
    for body in bodies:
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    data = metric.sum if metric.HasField("sum") else metric.gauge
                    (point,) = data.data_points
                    tags = {a.key: a.value.string_value for a in point.attributes}
                    assert tags == {"api": "sign_ins", "tenant": "tenant"}
                    found[metric.name] = point.as_int or point.as_double
    assert found == {
        "airflow.entra_lake.sign_ins.requests": 7,
        "airflow.entra_lake.sign_ins.pages": 6,
        "airflow.entra_lake.sign_ins.events": 5123,
        "airflow.entra_lake.sign_ins.bytes": 10**9,
        "airflow.entra_lake.sign_ins.throttles": 1,
        "airflow.entra_lake.sign_ins.wait_ms": 2500,
        "airflow.entra_lake.sign_ins.freshness": 3600,
    }
