"""An Airflow connection of the Azure provider (types `wasb` and `adls`) as settings of obstore.

The order in which its fields count is the provider's own (WasbHook.get_conn): connection string,
service principal, shared access key, SAS token, password, account key, else managed identity.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from include.entra_logs.errors import Refused

Options = dict[str, str]

_DEVELOPMENT = (  # Microsoft's published account of every storage emulator; not a secret
    "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4"
    "I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1"
)


def azure_options(
    login: str | None, password: str | None, host: str | None, extra: Mapping[str, Any]
) -> Options:
    """Account, endpoint and credential, by obstore's names. Raises Refused naming the field."""
    fields = {name.removeprefix("extra__wasb__").removeprefix("extra__adls__"): value
              for name, value in extra.items() if value}  # fmt: skip
    if text := fields.get("connection_string"):
        return _from_connection_string(str(text))
    sas = str(fields.get("sas_token", ""))
    if sas.startswith("https"):
        host, _, sas = sas.partition("?")
    options = _account(login, host, fields)
    if fields.get("tenant_id"):
        return options | _service_principal(login, password, fields)
    key = fields.get("shared_access_key")
    if not key and sas:
        return options | {"credential_type": "sas_token", "sas_key": sas.lstrip("?")}
    if key := key or password or fields.get("account_key"):
        return options | {"credential_type": "access_key", "account_key": str(key)}
    return options | _managed_identity(fields)


def _from_connection_string(text: str) -> Options:
    if text.strip().rstrip(";").lower() == "usedevelopmentstorage=true":
        text = _DEVELOPMENT
    parts = dict(part.strip().split("=", 1) for part in text.split(";") if "=" in part)
    account = parts.get("AccountName", "")
    endpoint = parts.get("BlobEndpoint", "").rstrip("/")
    if not endpoint and account:
        protocol = parts.get("DefaultEndpointsProtocol", "https")
        suffix = parts.get("EndpointSuffix", "core.windows.net")
        endpoint = f"{protocol}://{account}.blob.{suffix}"
    options = {"account_name": account or _account_of(endpoint), "endpoint": endpoint}
    if key := parts.get("AccountKey"):
        return options | {"credential_type": "access_key", "account_key": key}
    if sas := parts.get("SharedAccessSignature"):
        return options | {"credential_type": "sas_token", "sas_key": sas.lstrip("?")}
    raise Refused("The connection string of the lake's connection has neither AccountKey nor "
                  "SharedAccessSignature: copy it anew from the storage account.")  # fmt: skip


def _account(login: str | None, host: str | None, fields: Mapping[str, Any]) -> Options:
    """Account and endpoint from a URL, a DNS name or an account's name, in that order."""
    name = str(fields.get("account_name", ""))
    if host and "." not in host and "://" not in host:
        name, host = name or host, None
    if not host:
        name = name or ("" if fields.get("tenant_id") else login or "")
        if not name:
            raise Refused("The lake's connection names no storage account: put its URL in host, "
                          "such as https://<account>.blob.core.windows.net.")  # fmt: skip
        host = f"https://{name}.blob.core.windows.net"
    url = (host if "://" in host else f"https://{host}").rstrip("/")
    url = url.replace(".dfs.core.", ".blob.core.")
    return {"account_name": name or _account_of(url), "endpoint": url}


def _account_of(endpoint: str) -> str:
    """The account of an endpoint: the first part of its path (emulators), else of its host."""
    parts = urlsplit(endpoint)
    path = parts.path.strip("/")
    return path.split("/", maxsplit=1)[0] if path else (parts.hostname or "").split(".")[0]


def _service_principal(
    login: str | None, password: str | None, fields: Mapping[str, Any]
) -> Options:
    if not login or not password:
        raise Refused("The lake's connection has a tenant_id, so it needs the client id in login "
                      "and the client secret in password.")  # fmt: skip
    found = {
        "credential_type": "client_secret",
        "tenant_id": str(fields["tenant_id"]),
        "client_id": login,
        "client_secret": password,
    }
    config = fields.get("client_secret_auth_config")
    authority = config.get("authority") if isinstance(config, Mapping) else None
    if authority:
        text = str(authority)
        found["authority_host"] = text if "://" in text else f"https://{text}"
    return found


def _managed_identity(fields: Mapping[str, Any]) -> Options:
    """Workload identity where Kubernetes offers it, else the machine's managed identity."""
    client = fields.get("managed_identity_client_id")
    return {"client_id": str(client)} if client else {}
