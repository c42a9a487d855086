import base64
import json
from typing import Any

import pytest
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from include.graph_emulator.process import Emulator
from tests.unit.graph_emulator.emulator_reader import Reader

SCOPE = "https://graph.microsoft.com/.default"


def claims(token: str) -> dict[str, Any]:
    """The claims of a token, as a help only."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def azure(emulator: Emulator) -> tuple[str, str, str, dict[str, Any]]:
    """Tenant, client, secret and options for a credential of azure-identity."""
    it = emulator.connection
    options = {
        "authority": it["extra"]["authority"],
        "disable_instance_discovery": True,
        "connection_verify": emulator.ca,
    }
    return it["extra"]["tenant_id"], it["login"], it["password"], options


@pytest.mark.parametrize("name", ["guid", "domain"])
def test_discovery_tells_the_guid(reader: Reader, emulator: Emulator, name: str) -> None:
    """The issuer carries the tenant's guid, also when it was asked for by domain."""
    guid = emulator.connection["extra"]["tenant_id"]
    asked = guid if name == "guid" else "lakeside.example"
    found = reader.get(f"/{asked}/v2.0/.well-known/openid-configuration").json()
    assert found["issuer"] == f"{emulator.url}/{guid}/v2.0"
    assert found["token_endpoint"].startswith(emulator.url)


@pytest.mark.parametrize(
    ("tenant", "fields", "status", "error", "number"),
    [
        (None, {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        (None, {"client_secret": "emulator~expired"}, 401, "invalid_client", 7000222),
        (None, {"client_secret": ""}, 401, "invalid_client", 7000218),
        (None, {"client_id": "no-such-app"}, 400, "unauthorized_client", 700016),
        ("nobody.example", {}, 400, "invalid_request", 90002),
        (None, {"scope": "User.Read"}, 400, "invalid_scope", 1002012),
        (None, {"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ],
    ids=["secret", "expired-secret", "no-secret", "app", "tenant", "scope", "grant"],
)
def test_login_errors(
    reader: Reader, tenant: str | None, fields: dict[str, str], status: int, error: str, number: int
) -> None:
    """A wrong login gets Microsoft's error body with its AADSTS number."""
    answer = reader.token(tenant, **fields)
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, error)
    assert body["error_codes"] == [number]
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= body.keys()


def test_azure_identity_with_secret(emulator: Emulator) -> None:
    """azure-identity gets a token whose claims name tenant, app and roles."""
    tenant, client, secret, options = azure(emulator)
    token = ClientSecretCredential(tenant, client, secret, **options).get_token(SCOPE).token
    found = claims(token)
    assert (found["tid"], found["appid"], found["appidacr"]) == (tenant, client, "1")
    assert "AuditLog.Read.All" in found["roles"]
    assert found["aud"] == "https://graph.microsoft.com"


def test_azure_identity_with_certificate(emulator: Emulator) -> None:
    """A certificate of the app registration signs a client in."""
    tenant, client, _, options = azure(emulator)
    path = emulator.client_certificate
    token = CertificateCredential(tenant, client, path, **options).get_token(SCOPE).token
    assert claims(token)["appidacr"] == "2"


def test_expired_certificate(emulator: Emulator) -> None:
    """An expired certificate is refused as AADSTS700027."""
    tenant, client, _, options = azure(emulator)
    credential = CertificateCredential(tenant, client, emulator.expired_certificate, **options)
    with pytest.raises(Exception, match=r"AADSTS700027.*expired"):
        credential.get_token(SCOPE)


def test_role_and_licence(reader: Reader, emulator: Emulator) -> None:
    """Without role or licence Graph says 403 with the code seen in the field; audits need none."""
    it = emulator.connection
    app = {"secrets": [it["password"]], "roles": []}
    full = ["AuditLog.Read.All", "IdentityRiskEvent.Read.All"]
    tenant = it["extra"]["tenant_id"]
    try:
        emulator.change(applications={it["login"]: app})
        reader.login()
        answer = reader.ask("sign_ins", "$top=1")
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "Authentication_MSGraphPermissionMissing"
        assert reader.ask("risk_detections").status_code == 403
        emulator.change(
            applications={it["login"]: app | {"roles": full}},
            tenants={tenant: {"domains": ["lakeside.example"], "licensed": False}},
        )
        reader.login()
        answer = reader.ask("sign_ins", "$top=1")
        code = answer.json()["error"]["code"]
        assert code == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
        assert reader.ask("directory_audits", "$top=1").status_code == 200
    finally:
        emulator.change(
            applications={
                it["login"]: app | {"roles": full, "expired_secrets": ["emulator~expired"]}
            },
            tenants={tenant: {"domains": ["lakeside.example", "lakeside.onmicrosoft.com"]}},
        )


def test_token_ends(reader: Reader, emulator: Emulator) -> None:
    """A token past its time is answered with 401, a missing one too."""
    assert reader.ask("sign_ins", "$top=1").status_code == 200
    emulator.expire_tokens()
    answer = reader.ask("sign_ins", "$top=1")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert answer.headers["www-authenticate"].startswith("Bearer realm")
    reader.bearer = ""
    assert reader.ask("sign_ins", "$top=1").status_code == 401


def test_managed_identity_app_service(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity gets a token from the App Service form of the endpoint."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.identity_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", emulator.identity_header)
    assert claims(ManagedIdentityCredential().get_token(SCOPE).token)["idtyp"] == "app"


def test_managed_identity_imds(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """azure-identity gets a token from the machine's metadata endpoint."""
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", emulator.identity_url)
    assert claims(ManagedIdentityCredential().get_token(SCOPE).token)["idtyp"] == "app"


def test_workload_identity(emulator: Emulator) -> None:
    """A federated workload's token file is exchanged for a token."""
    tenant, client, _, options = azure(emulator)
    credential = WorkloadIdentityCredential(
        tenant_id=tenant, client_id=client, token_file_path=emulator.federated_token, **options
    )
    assert claims(credential.get_token(SCOPE).token)["appid"] == client
