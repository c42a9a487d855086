"""Connections of the Azure provider as settings of the store."""

from typing import Any

import pytest

from include.entra_logs.errors import Refused
from include.entra_logs.lake import open_lake
from include.entra_logs.lake.azure import azure_options

ACCOUNT = {"account_name": "acme", "endpoint": "https://acme.blob.core.windows.net"}
KEY = {"credential_type": "access_key", "account_key": "a2V5"}
SAS = {"credential_type": "sas_token", "sas_key": "sv=1&sig=x%3D"}
PRINCIPAL = {"tenant_id": "t", "client_id": "app", "client_secret": "s"} | {
    "credential_type": "client_secret"
}
URL = "https://acme.blob.core.windows.net/"
CASES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "connection string": (
        {"extra": {"connection_string": "DefaultEndpointsProtocol=https;AccountName=acme;"
                   "AccountKey=a2V5;EndpointSuffix=core.windows.net"}},
        ACCOUNT | KEY,
    ),
    "connection string with a SAS": (
        {"extra": {"connection_string":
                   f"BlobEndpoint={URL};SharedAccessSignature=?sv=1&sig=x%3D"}},
        ACCOUNT | SAS,
    ),
    "connection string of an emulator": (
        {"extra": {"connection_string":
                   "AccountName=dev;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:10000/dev;"}},
        {"account_name": "dev", "endpoint": "http://127.0.0.1:10000/dev"} | KEY,
    ),
    "connection string before all else": (
        {"login": "other", "password": "no",
         "extra": {"connection_string": "AccountName=acme;AccountKey=a2V5", "sas_token": "no"}},
        ACCOUNT | KEY,
    ),
    "key in password": ({"login": "acme", "password": "a2V5"}, ACCOUNT | KEY),
    "shared access key": ({"host": URL, "extra": {"shared_access_key": "a2V5"}}, ACCOUNT | KEY),
    "account key": ({"login": "acme", "extra": {"account_key": "a2V5"}}, ACCOUNT | KEY),
    "prefixed fields": ({"host": URL, "extra": {"extra__wasb__shared_access_key": "a2V5"}},
                        ACCOUNT | KEY),
    "SAS": ({"host": "acme.blob.core.windows.net", "extra": {"sas_token": "?sv=1&sig=x%3D"}},
            ACCOUNT | SAS),
    "SAS as an address": ({"extra": {"sas_token": f"{URL}?sv=1&sig=x%3D"}}, ACCOUNT | SAS),
    "service principal": (
        {"login": "app", "password": "s", "host": URL, "extra": {"tenant_id": "t"}},
        ACCOUNT | PRINCIPAL,
    ),
    "service principal of another cloud": (
        {"login": "app", "password": "s", "host": "https://acme.blob.core.usgovcloudapi.net",
         "extra": {"tenant_id": "t", "client_secret_auth_config":
                   {"authority": "login.microsoftonline.us"}}},
        PRINCIPAL | {"account_name": "acme", "authority_host": "https://login.microsoftonline.us",
                     "endpoint": "https://acme.blob.core.usgovcloudapi.net"},
    ),
    "type adls": (
        {"login": "app", "password": "s", "host": "acme", "extra": {"tenant_id": "t"}},
        ACCOUNT | PRINCIPAL,
    ),
    "type adls by its address": (
        {"login": None, "password": "a2V5", "host": "https://acme.dfs.core.windows.net"},
        ACCOUNT | KEY,
    ),
    "managed identity": ({"host": URL}, ACCOUNT),
    "user-assigned identity": (
        {"login": "acme", "extra": {"managed_identity_client_id": "id"}},
        ACCOUNT | {"client_id": "id"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_connection_becomes_settings_that_the_store_takes(name: str) -> None:
    """Every kind of credential of the provider's connections is understood, and by obstore too."""
    fields, expected = CASES[name]
    found = azure_options(**({"login": None, "password": None, "host": None, "extra": {}} | fields))
    assert found == expected
    open_lake("abfs://conn@container/prefix", found)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({}, "names no storage account", id="nothing"),
        pytest.param({"host": URL, "extra": {"tenant_id": "t"}}, "client id in login", id="no id"),
        pytest.param({"extra": {"connection_string": "AccountName=a"}}, "AccountKey", id="no key"),
    ],
)
def test_a_connection_that_cannot_be_is_refused(fields: dict[str, Any], says: str) -> None:
    """The message names the field to fill."""
    with pytest.raises(Refused, match=says):
        azure_options(**({"login": None, "password": None, "host": None, "extra": {}} | fields))


@pytest.mark.parametrize(
    "url", ["", "lake", "file://", "file:///", "s3://bucket/x", "abfs://conn@", "file://host/lake"]
)
def test_an_address_that_cannot_be_is_refused(url: str) -> None:
    """The message names the setting and the two forms that it may have."""
    with pytest.raises(Refused, match="ENTRA_LAKE_URL"):
        open_lake(url, {})


def test_secrets_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a lake's text nor a refusal holds the key."""
    lake = open_lake("abfs://c@box/p", {"account_name": "acme", "account_key": "c2VjcmV0"})
    assert "c2VjcmV0" not in repr(lake) + str(lake)
    with pytest.raises(Refused) as refused:
        open_lake("abfs://c@box/p", {"account_name": "acme", "account_key": "%secret%"})
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__
