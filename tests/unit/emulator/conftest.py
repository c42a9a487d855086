"""An emulator whose clock stands still, and a client that reads it plainly."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from include.graph_emulator.process import Emulator, start_emulator

NOW = "2026-11-20T12:00:00Z"
TIMES = {
    "sign_ins": "createdDateTime",
    "directory_audits": "activityDateTime",
    "risk_detections": "detectedDateTime",
}
PATHS = {
    "sign_ins": "auditLogs/signIns",
    "directory_audits": "auditLogs/directoryAudits",
    "risk_detections": "identityProtection/riskDetections",
}


@dataclass
class Reader:
    """A client without any cleverness."""

    emulator: Emulator
    client: httpx.Client
    bearer: str = ""

    def token(self, tenant: str | None = None, **fields: str) -> httpx.Response:
        """Ask the token endpoint; `fields` replace the right ones, empty ones are left out."""
        it = self.emulator.connection
        form = {
            "grant_type": "client_credentials",
            "client_id": it["login"],
            "client_secret": it["password"],
            "scope": "https://graph.microsoft.com/.default",
        } | fields
        tenant = tenant or it["extra"]["tenant_id"]
        form = {name: value for name, value in form.items() if value}
        return self.client.post(f"/{tenant}/oauth2/v2.0/token", data=form)

    def login(self) -> None:
        """Get a token for the next requests."""
        self.bearer = self.token().json()["access_token"]

    def get(self, url: str, **headers: str) -> httpx.Response:
        """One request with the token."""
        authorization = {"authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        return self.client.get(url, headers=authorization | headers)

    def ask(self, api: str, query: str = "", version: str = "v1.0") -> httpx.Response:
        """One request for a collection."""
        return self.get(f"/{version}/{PATHS[api]}" + (f"?{query}" if query else ""))

    def window(
        self, api: str, start: str, end: str, by: str | None = None, more: str = ""
    ) -> list[dict[str, Any]]:
        """Every event of `[start, end]`, page after page."""
        by = by or TIMES[api]
        url = f"/v1.0/{PATHS[api]}?$filter={by} ge {start} and {by} le {end}{more}"
        return [event for page in self.pages(url) for event in page["value"]]

    def pages(self, url: str | None, most: int = 500) -> list[dict[str, Any]]:
        """The pages from `url` on."""
        found: list[dict[str, Any]] = []
        while url:
            answer = self.get(url)
            assert answer.status_code == 200, answer.text
            found.append(answer.json())
            url = found[-1].get("@odata.nextLink")
            assert len(found) < most
        return found


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """One emulator for the tests that only read; settings are put back by those that change."""
    with start_emulator(
        now=NOW, speed=0, sign_ins_per_day=4000, risks_per_day=200, throttling=False
    ) as running:
        yield running


@pytest.fixture
def reader(emulator: Emulator) -> Iterator[Reader]:
    """A logged-in reader of a freshly reset emulator."""
    yield from _reader(emulator)


@pytest.fixture
def read_from() -> Iterator[Callable[[Emulator], Reader]]:
    """Readers of other emulators."""
    open_ones = []

    def make(emulator: Emulator) -> Reader:
        readers = _reader(emulator)
        open_ones.append(readers)
        return next(readers)

    yield make
    for readers in open_ones:
        next(readers, None)


def _reader(emulator: Emulator) -> Iterator[Reader]:
    emulator.reset()
    verify = ssl.create_default_context(cafile=emulator.ca)
    with httpx.Client(base_url=emulator.url, verify=verify, trust_env=False, timeout=20) as client:
        reader = Reader(emulator, client)
        reader.login()
        yield reader
