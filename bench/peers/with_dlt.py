"""dlt: its REST source, its filesystem destination, Parquet. Runs in `.venv-bench`."""

import os
import tempfile

from bench.peers.task import Task, contend

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["DLT_DATA_DIR"] = tempfile.mkdtemp(prefix="bench-dlt-")

import dlt
from dlt.sources.rest_api import rest_api_source


def read_and_publish(task: Task) -> int:
    """The rows of the table `sign_ins`; dlt puts nested lists into tables of their own."""
    os.environ["REQUESTS_CA_BUNDLE"] = task.ca
    source = rest_api_source(
        {
            "client": {
                "base_url": f"{task.url}/v1.0/",
                "auth": {"type": "bearer", "token": task.token},
                "paginator": {"type": "json_link", "next_url_path": "'@odata.nextLink'"},
            },
            "resources": [
                {
                    "name": "sign_ins",
                    "primary_key": "id",
                    "endpoint": {
                        "path": "auditLogs/signIns",
                        "params": {"$filter": task.filter, "$top": 1000},
                        "data_selector": "value",
                    },
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.filesystem(bucket_url=task.folder),
        dataset_name="entra",
        pipelines_dir=tempfile.mkdtemp(prefix="bench-dlt-"),
    )
    pipeline.run(source, loader_file_format="parquet")
    return int(pipeline.last_trace.last_normalize_info.row_counts["sign_ins"])


if __name__ == "__main__":
    contend(read_and_publish)
