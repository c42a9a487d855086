"""A client that reads an emulator plainly, page after page."""

from dataclasses import dataclass
from typing import Any

import httpx

from include.graph_emulator import ticks
from include.graph_emulator.process import Emulator

START, END = "2026-11-20T08:00:00Z", "2026-11-20T10:00:00Z"
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


def keys(
    api: str, events: list[dict[str, Any]], end: str = END, by: str | None = None
) -> set[tuple[str, str]]:
    """(id, event time) of the events before `end`: Graph's `le` includes the bound."""
    name, bound = by or TIMES[api], ticks.from_text(end)
    return {(e["id"], e[TIMES[api]]) for e in events if ticks.from_text(e[name]) < bound}
