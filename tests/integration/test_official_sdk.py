"""Microsoft's own SDK reads the emulator: a client that we did not write finds it to be Graph."""

import asyncio
import json
import re
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import httpx
import pytest
from azure.identity import CertificateCredential, ClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware import RetryHandler
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph_core import GraphClientFactory

from include.graph_emulator import ticks
from include.graph_emulator.process import Emulator, start_emulator

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
NOW = "2026-11-20T12:00:00Z"
START, END = "2026-11-20T07:00:00Z", "2026-11-20T10:00:00Z"
TIMES = {
    "sign_ins": "createdDateTime",
    "directory_audits": "activityDateTime",
    "risk_detections": "detectedDateTime",
}


@pytest.fixture(scope="module")
def graph() -> Iterator[Emulator]:
    """An emulator with enough events for several pages of each collection."""
    with start_emulator(
        now=NOW,
        speed=0,
        sign_ins_per_day=1500,
        audits_per_day=1200,
        risks_per_day=800,
        time_scale=50,
    ) as emulator:
        yield emulator


def sdk(emulator: Emulator, *, certificate: bool = False) -> GraphServiceClient:
    """The SDK's client with its default middleware, led to the emulator by its host alone."""
    it = emulator.connection
    tenant = it["extra"]["tenant_id"]
    options: dict[str, Any] = {
        "authority": it["extra"]["authority"],
        "disable_instance_discovery": True,
        "connection_verify": emulator.ca,
    }
    credential = (
        CertificateCredential(tenant, it["login"], emulator.client_certificate, **options)
        if certificate
        else ClientSecretCredential(tenant, it["login"], it["password"], **options)
    )
    http = httpx.AsyncClient(
        base_url=f"{emulator.url}/v1.0",
        verify=ssl.create_default_context(cafile=emulator.ca),
        trust_env=False,
        timeout=20,
    )
    http = GraphClientFactory.create_with_default_middleware(client=http)
    provider = AzureIdentityAuthenticationProvider(
        credential,
        scopes=["https://graph.microsoft.com/.default"],
        allowed_hosts=["localhost"],
    )
    adapter = GraphRequestAdapter(provider, http)
    adapter.base_url = f"{emulator.url}/v1.0"
    return GraphServiceClient(request_adapter=adapter)


def collection(client: GraphServiceClient, api: str) -> Any:
    """The SDK's request builder of a collection."""
    return {
        "sign_ins": client.audit_logs.sign_ins,
        "directory_audits": client.audit_logs.directory_audits,
        "risk_detections": client.identity_protection.risk_detections,
    }[api]


async def read(client: GraphServiceClient, api: str, top: int) -> list[Any]:
    """Every event of the window as the SDK's models, by its paging and its retry handler."""
    builder = collection(client, api)
    time = TIMES[api]
    kind = next(v for n, v in vars(type(builder)).items() if n.endswith("GetQueryParameters"))
    asked = kind(filter=f"{time} ge {START} and {time} le {END}", top=top)
    page = await builder.get(RequestConfiguration(query_parameters=asked))
    found = list(page.value)
    while page.odata_next_link:
        page = await builder.with_url(page.odata_next_link).get()
        found += page.value
    return found


def snake(name: str) -> str:
    """The SDK's attribute for a property of Graph."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])_v", lambda m: "_" + m[0], name).lower()


def same(sent: Any, parsed: Any, path: str) -> None:
    """Assert that the SDK's model says exactly what was sent."""
    if isinstance(sent, dict):
        for name, value in sent.items():
            extra = parsed.additional_data
            attribute = snake(name).replace("__", "_")
            got = extra[name] if name in extra else getattr(parsed, attribute)
            same(value, got, f"{path}.{name}")
    elif isinstance(sent, list):
        assert len(sent) == len(parsed), path
        for number, (one, other) in enumerate(zip(sent, parsed, strict=True)):
            same(one, other, f"{path}[{number}]")
    elif isinstance(parsed, datetime):
        assert parsed.astimezone(UTC) == ticks.to_datetime(ticks.from_text(sent)), path
    elif isinstance(parsed, Enum):
        assert sent == parsed.value, path
    elif isinstance(parsed, UUID):
        assert sent == str(parsed), path
    else:
        assert sent == parsed, path


@pytest.mark.parametrize("api", TIMES)
def test_sdk_reads_a_window(graph: Emulator, api: str) -> None:
    """The SDK lists and pages a collection, and parses every field as sent, each as a typed one."""
    graph.reset()
    events = asyncio.run(read(sdk(graph), api, 50))
    upto = END.replace("Z", ".0000001Z")  # `le` includes the bound
    truth = graph.truth(api, START, upto, events=True)
    assert truth.count > 60
    right = {event["id"]: event for event in truth.events}
    assert {event.id for event in events} == right.keys()
    assert len(events) == truth.count
    for event in events:
        same(right[event.id], event, api)
        assert event.additional_data == {}


def test_retry_handler(graph: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own retry handler gets over 429 with seconds or a date, and over 503."""
    monkeypatch.setattr(RetryHandler, "DEFAULT_BACKOFF_FACTOR", 0.01)
    graph.reset()
    graph.plan(
        [
            {"kind": "throttled", "retry_after": 1, "retry_after_form": "seconds", "page": "first"},
            {"kind": "server_error", "status": 503, "retry_after": 1, "retry_after_form": "seconds",
             "page": "middle"},
        ]
    )  # fmt: skip
    events = asyncio.run(read(sdk(graph), "directory_audits", 60))
    assert graph.plan_hits() == [1, 1]
    assert {e.id for e in events} >= {
        name for name, _ in graph.truth("directory_audits", START, END).ids
    }


def test_certificate(graph: Emulator) -> None:
    """azure-identity signs in by certificate, and the SDK reads with that token."""
    page = asyncio.run(collection(sdk(graph, certificate=True), "risk_detections").get())
    assert len(page.value) == 20


def test_error_envelope(graph: Emulator) -> None:
    """The SDK parses Graph's error envelope."""
    graph.reset()
    graph.plan([{"kind": "not_premium"}])
    with pytest.raises(APIError) as caught:
        asyncio.run(collection(sdk(graph), "sign_ins").get())
    assert caught.value.response_status_code == 403
    error: Any = caught.value
    assert error.error.code == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    assert error.error.inner_error.request_id


@pytest.mark.airflow
def test_provider_hook(graph: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Azure provider's Graph hook pages through a window with the emulator's connection."""
    from airflow.providers.microsoft.azure.hooks.msgraph import (  # noqa: PLC0415  slow to import
        KiotaRequestAdapterHook,
    )

    graph.reset()
    monkeypatch.setenv("AIRFLOW_CONN_EMULATOR", json.dumps(graph.connection))
    hook = KiotaRequestAdapterHook(conn_id="emulator")
    asked = {"$filter": f"activityDateTime ge {START} and activityDateTime lt {END}", "$top": "60"}

    async def pages_of_window() -> list[dict[str, Any]]:
        found = await hook.paginated_run("auditLogs/directoryAudits", query_parameters=asked)
        await hook.close()
        return list(found)

    pages = asyncio.run(pages_of_window())
    found = [(event["id"], event["activityDateTime"]) for page in pages for event in page["value"]]
    assert len(pages) > 1
    assert set(found) == graph.truth("directory_audits", START, END).ids
