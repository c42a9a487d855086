"""From Airflow's connections to Graph and the lake, for tasks, commands and the lake page."""

import os
from typing import Any
from urllib.parse import urlsplit

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from include.entra_logs.errors import Refused
from include.entra_logs.graph.client import GraphClient
from include.entra_logs.graph.connection import GraphConnection, from_fields
from include.entra_logs.lake import Lake, open_lake
from include.entra_logs.lake.azure import azure_options
from include.entra_logs.lake.store import Store
from include.entra_logs.settings import Settings

GRAPH_TYPE = "msgraph"
AZURE_TYPES = ("wasb", "adls")
SECRET_EXTRAS = ("certificate_data", "connection_string", "sas_token", "proxies", "_key", "secret")
"""Ends of the names of extras that hold a secret."""


def graph_connection(conn_id: str) -> GraphConnection:
    """What the Airflow connection says about Graph; its secrets are masked in all logs from now.

    Raises Refused if it is missing, of another type, or lacks a field.
    """
    remedy = "add it (Admin, Connections: Microsoft Graph API) or set ENTRA_GRAPH_CONN_ID"
    found = connection(conn_id, (GRAPH_TYPE,), remedy)
    return from_fields(
        login=found.login,
        password=found.password,
        schema=found.schema,
        host=found.host,
        port=found.port,
        extra=found.extra_dejson,
    )


def source_of(settings: Settings) -> GraphClient:
    """The source that ENTRA_GRAPH_CONN_ID names; opened by `with`. Raises Refused."""
    return GraphClient(graph_connection(settings.graph_conn_id))


def lake_of(settings: Settings, store: type[Store] = Store) -> Lake:
    """The lake that ENTRA_LAKE_URL names. Raises Refused if its connection does not serve."""
    return open_lake(settings.lake_url, azure_of(settings), store)


def azure_of(settings: Settings) -> dict[str, str] | None:
    """What opens the lake's storage account, by obstore's names; None for a lake on this machine.

    Raises Refused if its connection does not serve.
    """
    url = settings.lake_url
    if not url.startswith("abfs://"):
        return None
    conn_id = urlsplit(url).username or ""
    remedy = f"add it, or correct ENTRA_LAKE_URL, which was {url!r}"
    found = connection(conn_id, AZURE_TYPES, remedy)
    return azure_options(
        login=found.login,
        password=found.password,
        host=found.host,
        extra=found.extra_dejson,
    )


def has_connection(conn_id: str) -> bool:
    """True if Airflow knows a connection of that id."""
    try:
        Connection.get(conn_id)
    except AirflowNotFoundException:
        return False
    return True


def outside_tasks() -> None:
    """Let a command find the connections of the metadata database too, not the environment's alone.

    Airflow's own commands do it by the same variable (Airflow 3.3.2, connections command).
    """
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")


def connection(conn_id: str, types: tuple[str, ...], remedy: str) -> Any:
    """The Airflow connection, its secrets masked; Refused if missing or of another type."""
    wanted = " or ".join(types)
    try:
        found = Connection.get(conn_id)
    except AirflowNotFoundException:
        raise Refused(
            f"There is no Airflow connection {conn_id!r} (it must be of type {wanted}): {remedy}."
        ) from None
    if found.conn_type not in types:
        raise Refused(
            f"The Airflow connection {conn_id!r} is of type {found.conn_type!r}; it must be of "
            f"type {wanted}: {remedy}."
        )
    mask_secret(found.password)
    for name, value in found.extra_dejson.items():
        if name.endswith(SECRET_EXTRAS):
            mask_secret(value, "secret")
    return found
