"""The statements that let DuckDB read a lake on Azure: its extension and the account's secret."""

from collections.abc import Mapping
from importlib import resources

import duckdb

from include.entra_logs.errors import Refused


def azure_statements(azure: Mapping[str, str]) -> list[str]:
    """The SQL that loads the Azure extension and names the account.

    `azure` holds what obstore's AzureStore is configured with: `account_name`, and one of
    `account_key`, `sas_key`, or `tenant_id` with `client_id` and `client_secret`; with none of them
    the credentials of this machine are used (managed identity, environment, az login). `endpoint`
    is for accounts outside the public cloud. The last statement carries the secret.
    """
    if not azure.get("account_name"):
        raise Refused("the connection of the lake names no storage account; set `account_name`")
    return [
        f"LOAD {quoted(_extension())};",
        "SET azure_transport_option_type = 'curl';",  # the other one finds no CA file on Debian
        f"CREATE OR REPLACE SECRET lake (TYPE azure, {_secret(azure)});",
    ]


def quoted(text: str) -> str:
    """`text` as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _secret(azure: Mapping[str, str]) -> str:
    account = azure["account_name"]
    endpoint = azure.get("endpoint") or f"https://{account}.blob.core.windows.net"
    if key := azure.get("account_key"):
        text = f"AccountName={account};AccountKey={key};BlobEndpoint={endpoint};"
        return f"CONNECTION_STRING {quoted(text)}"
    if sas := azure.get("sas_key"):
        text = f"BlobEndpoint={endpoint};SharedAccessSignature={sas.lstrip('?')}"
        return f"CONNECTION_STRING {quoted(text)}"
    if secret := azure.get("client_secret"):
        return (
            f"PROVIDER service_principal, ACCOUNT_NAME {quoted(account)}, "
            f"TENANT_ID {quoted(azure['tenant_id'])}, CLIENT_ID {quoted(azure['client_id'])}, "
            f"CLIENT_SECRET {quoted(secret)}"
        )
    return f"PROVIDER credential_chain, ACCOUNT_NAME {quoted(account)}"


def _extension() -> str:
    """The extension's file, from the package of DuckDB's own version: nothing is downloaded."""
    files = resources.files("duckdb_extension_azure") / "extensions"
    return str(files / f"v{duckdb.__version__}" / "azure.duckdb_extension")
