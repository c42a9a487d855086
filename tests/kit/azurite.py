"""Azurite, Microsoft's emulator of Azure storage, on a free port of loopback."""

import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from include.entra_logs.lake import Lake, open_lake
from include.entra_logs.lake.azure import azure_options

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / ".tools/node_modules/.bin/azurite-blob"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Microsoft's published key of the emulator's account."""


@dataclass(frozen=True)
class Azurite:
    """A running storage account."""

    endpoint: str

    @property
    def connection_string(self) -> str:
        """What an Airflow connection of type `wasb` has in its extra `connection_string`."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint={self.endpoint};"
        )

    def container(self) -> str:
        """The name of a new, empty container."""
        name = f"lake-{uuid.uuid4().hex[:12]}"
        BlobServiceClient.from_connection_string(self.connection_string).create_container(name)
        return name

    def lake(self, container: str | None = None) -> Lake:
        """A lake in a container, by default a new one."""
        options = azure_options(None, None, None, {"connection_string": self.connection_string})
        return open_lake(f"abfs://azurite@{container or self.container()}/the/lake", options)


@contextmanager
def start_azurite() -> Iterator[Azurite]:
    """A storage account in memory, ended with all its processes; skips where Node is missing."""
    if not PROGRAM.exists() or not shutil.which("node"):
        pytest.skip("Azurite is missing: install Node with npm, then run `make .tools/.azurite`")
    command = [str(PROGRAM), "--skipApiVersionCheck", "--inMemoryPersistence", "--blobPort", "0",
               "--blobHost", "127.0.0.1", "--disableTelemetry"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "successfully listens on" in line)
        yield Azurite(f"{line.split()[-1].rstrip('/')}/{ACCOUNT}")
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # SIGTERM waits for idle connections
        process.wait(60)
