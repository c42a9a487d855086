"""The fields of an Airflow connection of type `msgraph`, read as the Azure provider reads them.

Names and defaults follow the provider's own hook, so that an existing connection works unchanged;
`managed_identity_client_id`, `workload_identity_tenant_id` and `cloud_environment` are the names
that the provider's other Azure connections use. No Airflow here: plain values in, one value out.
"""

import json
from ast import literal_eval
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from include.entra_logs.errors import Refused
from include.entra_logs.graph.clouds import GLOBAL, Cloud, cloud_named, cloud_of


@dataclass(frozen=True)
class Secret:
    """An app registration with a client secret."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Certificate:
    """An app registration with a certificate: a PEM or PKCS12 file, or PEM text."""

    client_id: str
    path: str | None
    data: str | None = field(repr=False)
    password: str | None = field(repr=False)


@dataclass(frozen=True)
class ManagedIdentity:
    """No secret: the identity that Azure gives the machine, the pod or the federated workload.

    `client_id` None means the system-assigned identity.
    """

    client_id: str | None
    workload_tenant: str | None


Credential = Secret | Certificate | ManagedIdentity


@dataclass(frozen=True)
class GraphConnection:
    """Where Graph is, who we are there, and how the network lies between."""

    host: str
    """Scheme, host and port of Graph, and a path if a gateway wants one; no slash at the end."""
    authority: str
    """The login host as a URL."""
    tenant: str | None
    """Guid or domain name; None where the identity brings its own."""
    scope: str
    credential: Credential
    verify: bool | str = True
    """True, False, or the path of a CA file."""
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    trust_env: bool = False
    disable_instance_discovery: bool = False


def from_fields(
    login: str | None,
    password: str | None,
    schema: str | None,
    host: str | None,
    port: int | None,  # noqa: ARG001 the provider's hook ignores it too; a port stands in `host`
    extra: Mapping[str, Any],
) -> GraphConnection:
    """The connection that these fields describe; Refused, naming the field, if they can't be one.

    `extra.api_version` is not used: each API declares its own version.
    """
    get = _reader(extra)
    cloud = cloud_named(str(get("cloud_environment"))) if get("cloud_environment") else None
    url = _graph_url(schema, host, get("base_url"), cloud)
    cloud = cloud_of(url) or cloud or GLOBAL
    tenant = get("tenant_id") or get("tenantId") or get("workload_identity_tenant_id")
    credential = _credential(login, password, tenant, get)
    connection = GraphConnection(
        host=url,
        authority=_authority(get("authority"), cloud),
        tenant=str(tenant).strip() if tenant else None,
        scope=_scope(get("scopes"), cloud),
        credential=credential,
        verify=_verify(get("verify")),
        proxies=_proxies(get("proxies")),
        trust_env=_flag("trust_env", get("trust_env"), default=False),
        disable_instance_discovery=_flag(
            "disable_instance_discovery", get("disable_instance_discovery"), default=False
        ),
    )
    _check_allowed(get("allowed_hosts"), connection)
    return connection


def _reader(extra: Mapping[str, Any]) -> Any:
    """A getter that also knows the old prefixed names and takes an empty text for none."""

    def get(name: str) -> Any:
        value = extra.get(name, extra.get(f"extra__msgraph__{name}"))
        return None if value == "" else value

    return get


def _graph_url(
    schema: str | None, host: str | None, base_url: str | None, cloud: Cloud | None
) -> str:
    text = (base_url or host or (cloud or GLOBAL).graph).strip()
    text = text if "://" in text else f"{schema or 'https'}://{text}"
    parts = _split("host", text)
    text = text.rstrip("/")
    for version in ("/v1.0", "/beta"):
        text = text.removesuffix(version)
    if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
        raise Refused(f"host of the connection is {text!r}: a token is only sent over https.")
    named = cloud_of(text)
    if cloud and named and named != cloud:
        raise Refused(
            f"host of the connection belongs to {named.name} but extra.cloud_environment says "
            f"{cloud.name}: set one of them alone."
        )
    return text


def _split(name: str, text: str) -> Any:
    """The parts of a URL; Refused, naming the field, if `text` is none."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        usable = None
    if not usable or parts.username:
        raise Refused(f"{name} of the connection is {text!r}, which is not the URL of a server.")
    return parts


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _authority(text: str | None, cloud: Cloud) -> str:
    if not text:
        return cloud.login
    text = str(text).strip().rstrip("/")
    text = text if "://" in text else f"https://{text}"
    if _split("extra.authority", text).scheme != "https":
        raise Refused(f"extra.authority of the connection is {text!r}; it has to be https.")
    return text


def _scope(scopes: str | list[str] | None, cloud: Cloud) -> str:
    """One scope. The form fills in the global one, so elsewhere that counts as not set."""
    given = scopes.split(",") if isinstance(scopes, str) else list(scopes or ())
    given = [scope.strip() for scope in given if scope.strip()]
    if len(given) > 1:
        raise Refused(
            f"extra.scopes of the connection names {len(given)} scopes; Graph needs one, such as "
            f"{cloud.scope}."
        )
    return cloud.scope if not given or given[0] == GLOBAL.scope else given[0]


def _credential(
    login: str | None, password: str | None, tenant: str | None, get: Any
) -> Credential:
    path, data = get("certificate_path"), get("certificate_data")
    if path or data:
        _need(login, "login (the app's client id)")
        _need(tenant, "extra.tenant_id")
        return Certificate(login or "", path, data, password or None)
    if password:
        _need(login, "login (the app's client id)")
        _need(tenant, "extra.tenant_id")
        return Secret(login or "", password)
    client_id, workload = get("managed_identity_client_id"), get("workload_identity_tenant_id")
    if login and not client_id and not workload:
        raise Refused(
            "The connection has a login but no credential: set password (the client secret), "
            "extra.certificate_path or extra.certificate_data, or, without a secret, "
            "extra.managed_identity_client_id."
        )
    return ManagedIdentity(client_id or login or None, workload)


def _need(value: str | None, name: str) -> None:
    if not value:
        raise Refused(f"{name} of the connection is empty; set it.")


def _verify(value: Any) -> bool | str:
    if isinstance(value, str) and value.strip().lower() not in ("true", "false"):
        return value.strip()
    return _flag("verify", value, default=True)


def _flag(name: str, value: Any, *, default: bool) -> bool:
    if value is None:
        return default
    if isinstance(value, bool | int):
        return bool(value)
    text = str(value).strip().lower()
    if text not in ("true", "false", "1", "0"):
        raise Refused(f"extra.{name} of the connection is {value!r}; it may be true or false.")
    return text in ("true", "1")


def _proxies(value: Any) -> Mapping[str, str]:
    """`http`, `https` and `no` (hosts that need none), from a dict or its text."""
    for parse in (json.loads, literal_eval):
        if isinstance(value, str):
            with suppress(ValueError, SyntaxError):
                value = parse(value)
    if value is None or value == {}:
        return {}
    if not isinstance(value, dict) or not all(isinstance(url, str) for url in value.values()):
        raise Refused(
            "extra.proxies of the connection has to be an object such as "
            '{"https": "http://proxy:3128", "no": "localhost"}.'
        )
    return value


def _check_allowed(value: Any, connection: GraphConnection) -> None:
    """Hold the connection's own list of hosts that may see a token."""
    allowed = value.split(",") if isinstance(value, str) else list(value or ())
    names = {urlsplit(name if "://" in name else f"//{name}").hostname for name in allowed if name}
    graph = urlsplit(connection.host).hostname
    if names and graph not in names:
        raise Refused(
            f"extra.allowed_hosts of the connection does not contain {graph}: add it, or no token "
            "may be sent there."
        )
