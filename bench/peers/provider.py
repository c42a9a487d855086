"""The Azure provider's hook, and pandas: what an Airflow user would write without this project."""

import asyncio
import json
import os
import tempfile
from pathlib import Path

from bench.peers.task import Task, contend

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="bench-airflow-"))

import pandas as pd
from airflow.providers.microsoft.azure.hooks.msgraph import KiotaRequestAdapterHook


def read_and_publish(task: Task) -> int:
    """The rows of one Parquet file."""
    # Kiota gives its token to host names, and knows no port in them.
    extra = {**task.connection["extra"], "allowed_hosts": "localhost"}
    os.environ["AIRFLOW_CONN_MSGRAPH_DEFAULT"] = json.dumps({**task.connection, "extra": extra})
    pages = asyncio.run(_pages(task))
    frame = pd.json_normalize([event for page in pages for event in page["value"]])
    frame.to_parquet(Path(task.folder) / "sign_ins.parquet")
    return len(frame)


async def _pages(task: Task) -> list[dict[str, list[dict[str, object]]]]:
    hook = KiotaRequestAdapterHook(conn_id="msgraph_default", api_version="v1.0")
    asked = {"$filter": task.filter, "$top": 1000}
    return await hook.paginated_run(url="auditLogs/signIns", query_parameters=asked)


if __name__ == "__main__":
    contend(read_and_publish)
