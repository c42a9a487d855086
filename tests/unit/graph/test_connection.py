"""The fields of an `msgraph` connection, as the Azure provider spells them."""

from typing import Any

import pytest

from include.entra_logs.errors import Refused
from include.entra_logs.graph import GraphConnection, from_fields
from include.entra_logs.graph.connection import Certificate, ManagedIdentity, Secret

TENANT = {"tenant_id": "contoso.example"}


def made(extra: dict[str, Any] | None = None, **fields: Any) -> GraphConnection:
    """A connection as the provider's form fills it in, changed."""
    given = {"login": "app", "password": "secret", "schema": "https"}
    given |= {"host": "graph.microsoft.com"} | fields
    return from_fields(
        given["login"], given["password"], given["schema"], given["host"], 443,
        TENANT | (extra or {}),
    )  # fmt: skip


def test_the_form_as_it_is() -> None:
    """What the provider's form makes of id, secret and tenant is the global cloud."""
    found = made(
        {
            "api_version": "v1.0",
            "authority": "",
            "scopes": "https://graph.microsoft.com/.default",
            "verify": True,
            "trust_env": True,
            "proxies": "",
            "certificate_path": "",
        },
        host="https://graph.microsoft.com",
    )
    assert found.host == "https://graph.microsoft.com"
    assert found.authority == "https://login.microsoftonline.com"
    assert found.scope == "https://graph.microsoft.com/.default"
    assert found.credential == Secret("app", "secret")
    assert found.trust_env is True


CLOUDS = {
    "global": ("graph.microsoft.com", "AzurePublicCloud", "login.microsoftonline.com"),
    "us gov": ("graph.microsoft.us", "AzureUSGovernment", "login.microsoftonline.us"),
    "dod": ("dod-graph.microsoft.us", "AzureUSGovernmentDoD", "login.microsoftonline.us"),
    "china": ("microsoftgraph.chinacloudapi.cn", "AzureChinaCloud", "login.chinacloudapi.cn"),
}


@pytest.mark.parametrize(("host", "name", "login"), CLOUDS.values(), ids=CLOUDS.keys())
def test_one_field_sets_the_cloud(host: str, name: str, login: str) -> None:
    """Either the host or `cloud_environment` sets Graph, login host and scope together."""
    default = {"scopes": "https://graph.microsoft.com/.default"}  # as the form fills it in
    for found in (made(default, host=host), made({"cloud_environment": name}, host=None)):
        assert found.host == f"https://{host}"
        assert found.authority == f"https://{login}"
        assert found.scope == f"https://{host}/.default"


def test_a_local_server() -> None:
    """Host with a port, authority and CA of one's own."""
    found = made(
        {
            "authority": "https://localhost:9443",
            "disable_instance_discovery": True,
            "allowed_hosts": "localhost",
            "verify": "/ca.pem",
        },
        host="localhost:9443",
    )
    assert found.host == found.authority == "https://localhost:9443"
    assert found.verify == "/ca.pem"
    assert found.disable_instance_discovery is True


CREDENTIALS = {
    "certificate path": (
        {"certificate_path": "/c.pem"},
        {"password": "phrase"},
        Certificate("app", "/c.pem", None, "phrase"),
    ),
    "certificate data": (
        {"certificate_data": "PEM"},
        {"password": ""},
        Certificate("app", None, "PEM", None),
    ),
    "managed identity": (
        {"managed_identity_client_id": "mi"},
        {"login": None, "password": None},
        ManagedIdentity("mi", None),
    ),
    "workload": (
        {"managed_identity_client_id": "mi", "workload_identity_tenant_id": "t"},
        {"login": None, "password": None},
        ManagedIdentity("mi", "t"),
    ),
    "system": ({}, {"login": "", "password": ""}, ManagedIdentity(None, None)),
    "old prefix": (
        {"extra__msgraph__managed_identity_client_id": "mi"},
        {"login": None, "password": None},
        ManagedIdentity("mi", None),
    ),
}


@pytest.mark.parametrize(
    ("extra", "fields", "expected"), CREDENTIALS.values(), ids=CREDENTIALS.keys()
)
def test_credentials(extra: dict[str, Any], fields: dict[str, Any], expected: object) -> None:
    """The fields that are set choose the credential, by the provider's names."""
    assert made(extra, **fields).credential == expected


@pytest.mark.parametrize(
    "text",
    [
        {"https": "http://proxy:3128", "no": "localhost"},
        '{"https": "http://proxy:3128", "no": "localhost"}',
        "{'https': 'http://proxy:3128', 'no': 'localhost'}",
    ],
    ids=["object", "json", "python"],
)
def test_proxies(text: object) -> None:
    """Proxies as an object or as its text, as the provider takes them."""
    assert made({"proxies": text}).proxies == {"https": "http://proxy:3128", "no": "localhost"}


REFUSED = {
    "login": ({}, {"login": ""}, "login"),
    "password": ({}, {"password": ""}, "password"),
    "tenant": ({"tenant_id": ""}, {}, "extra.tenant_id"),
    "host": ({}, {"host": "https://"}, "host"),
    "port": ({}, {"host": "graph:99999999"}, "host"),
    "plain http": ({}, {"schema": "http"}, "https"),
    "authority": ({"authority": "http://login"}, {}, "extra.authority"),
    "cloud": ({"cloud_environment": "Mars"}, {}, "extra.cloud_environment"),
    "two clouds": ({"cloud_environment": "AzureChinaCloud"}, {}, "extra.cloud_environment"),
    "two scopes": ({"scopes": "a,b"}, {}, "extra.scopes"),
    "proxies": ({"proxies": "http://proxy"}, {}, "extra.proxies"),
    "flag": ({"trust_env": "perhaps"}, {}, "extra.trust_env"),
    "allowed hosts": ({"allowed_hosts": "example.com"}, {}, "extra.allowed_hosts"),
}


@pytest.mark.parametrize(("extra", "fields", "name"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_by_name(extra: dict[str, Any], fields: dict[str, Any], name: str) -> None:
    """A field that cannot be right is refused at once, by its name."""
    with pytest.raises(Refused, match=name):
        made(extra, **fields)


def test_no_secret_is_shown() -> None:
    """Neither repr nor an error shows a secret, a certificate or a proxy's password."""
    shown = repr(made({"proxies": {"https": "http://u:hidden@p"}})) + repr(
        made({"certificate_data": "hidden"}, password="hidden")
    )
    assert "hidden" not in shown
    assert "'secret'" not in shown
