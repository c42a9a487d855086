"""`make bi` on a lake in Azure storage, tried on Azurite."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from include.bi.database import open_lake_database
from include.bi.questions import ask, questions
from include.entra_logs.lake.azure import azure_options
from tests.kit.azurite import KEY, Azurite

pytestmark = pytest.mark.azurite
ROOT = Path(__file__).parents[2]


def test_answers_on_azure_are_those_on_this_machine(company_lake: Path, azurite: Azurite) -> None:
    """A copy of the lake in a container answers all questions alike, in Python and in the shell."""
    container = azurite.container()
    blobs = ContainerClient.from_connection_string(azurite.connection_string, container)
    for file in company_lake.glob("tables/**/events.parquet"):
        blobs.upload_blob(f"a/lake/{file.relative_to(company_lake)}", file.read_bytes())
    lake_url = f"abfs://storage@{container}/a/lake"
    extra = {"connection_string": azurite.connection_string}
    options = azure_options(None, None, None, extra)
    with (
        open_lake_database(lake_url, options) as far,
        open_lake_database(str(company_lake)) as near,
    ):
        for name in questions():
            assert ask(far, name) == ask(near, name)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "ENTRA_LAKE_URL": lake_url,
        "AIRFLOW_CONN_STORAGE": json.dumps({"conn_type": "wasb", "extra": extra}),
    }
    done = subprocess.run(
        [sys.executable, "-m", "include.bi"], env=environment, capture_output=True, text=True,
        input="SELECT 'rows: ' || count(*) FROM sign_ins;", check=True,
    )  # fmt: skip
    with open_lake_database(str(company_lake)) as near:
        (rows,) = near.execute("SELECT count(*) FROM sign_ins").fetchone() or (0,)
    assert f"rows: {rows}" in done.stdout
    assert KEY not in done.stdout + done.stderr
