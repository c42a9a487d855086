"""Who we are: tokens from azure-identity, renewed in time, and the guid of the tenant.

A token is opaque; its claims are read as a help only (`tid`). It is given to nobody but the
caller, which sends it to Graph; it is in no log line, no exception and no repr.
"""

import logging
import math
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    CredentialUnavailableError,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from cryptography import x509
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from include.entra_logs.errors import EntraLakeError, Refused, Transient
from include.entra_logs.graph.body import ACCEPTED
from include.entra_logs.graph.connection import (
    Certificate,
    GraphConnection,
    ManagedIdentity,
    Secret,
)
from include.entra_logs.graph.login import LoginTransport, bounded_body
from include.entra_logs.graph.login_errors import login_refusal
from include.entra_logs.graph.network import causes, http_options, tls, untrusted

RENEW_BEFORE = 300.0
"""Seconds before its end from which a token is renewed; tokens live 60 to 90 minutes."""
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIMEOUT = 30.0
TOKEN_FILE = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105 the name azure-identity gives the variable


class Identity:
    """Tokens for one connection. Thread-safe use is the caller's business; blocking."""

    def __init__(self, connection: GraphConnection) -> None:
        self._connection = connection
        self._token: AccessToken | None = None

    def token(self, *, instead_of: str | None = None) -> str:
        """A token with at least five minutes to live, not `instead_of` (one that Graph refused).

        Refused with the remedy, or Transient if the login host can't be reached.
        """
        token = self._token
        if token is None or token.token == instead_of or token.expires_on < _in(RENEW_BEFORE):
            token = self._token = _ask(self._connection)
        return str(token.token)

    def tenant_id(self) -> str:
        """The tenant's guid: from the token's `tid`, else from the tenant's OIDC discovery."""
        found = str(_claims(self.token()).get("tid", "")).lower()
        if GUID.fullmatch(found):
            return found
        configured = (self._connection.tenant or "").lower()
        return configured if GUID.fullmatch(configured) else _discover(self._connection)


def _in(seconds: float) -> float:
    return time.time() + seconds


def _ask(connection: GraphConnection) -> AccessToken:
    """A new token from a new credential, so that no cache hands out the old one again."""
    host = urlsplit(connection.authority).hostname
    tls(connection)  # a CA that can't be read is our fault, not the login host's
    try:
        credential = _credential(connection)
    except (ValueError, OSError) as error:
        raise Refused(_unusable(connection, error)) from None
    try:
        token = credential.get_token(connection.scope)
    except CredentialUnavailableError:
        raise Refused(
            "No managed identity answers on this machine: assign one to it, or set a client "
            "secret or certificate in the connection."
        ) from None
    except AzureError as error:
        raise _failed(error, host) from None
    except (ValueError, OSError) as error:
        raise Refused(_unusable(connection, error)) from None
    except Exception:  # noqa: BLE001  msal on an answer that is JSON, but of no known shape
        raise _unclear(host) from None
    text = str(token.token)
    if not (text.isascii() and text.isprintable() and math.isfinite(token.expires_on)):
        raise _unclear(host)
    return token


def _unclear(host: str | None) -> Transient:
    return Transient(
        f"Login host {host} gave no usable answer: if that lasts, check extra.authority, "
        "extra.proxies and extra.managed_identity_client_id of the connection."
    )


def _failed(error: AzureError, host: str | None) -> EntraLakeError:
    """What a failed request for a token means; azure-identity wraps the network's errors too."""
    if untrusted(error):
        return Refused(
            f"The certificate of login host {host} is not trusted: set extra.verify of the "
            "connection to the path of its CA file."
        )
    chain = list(causes(error))
    for cause in chain:
        if isinstance(cause, EntraLakeError):  # of our own transport
            return cause
    text = " ".join(str(cause) for cause in chain)
    if "AADSTS" in text:
        return login_refusal(text)
    if any(isinstance(cause, ServiceRequestError | ServiceResponseError) for cause in chain):
        return Transient(f"Login host {host} can't be reached ({type(chain[-1]).__name__}).")
    return _unclear(host)


def _unusable(connection: GraphConnection, error: Exception) -> str:
    """The sentence for a credential that azure-identity can't even try."""
    kind = type(error).__name__
    if isinstance(connection.credential, Certificate):
        return (
            f"The certificate of the connection can't be used ({kind}): extra.certificate_path or "
            "extra.certificate_data needs certificate and private key, password its pass phrase."
        )
    if isinstance(connection.credential, ManagedIdentity):
        return (
            f"The workload identity can't be used ({kind}): check {TOKEN_FILE}, "
            "extra.managed_identity_client_id and extra.workload_identity_tenant_id."
        )
    return f"The connection can't be used ({kind}): check login, password and extra.tenant_id."


def _credential(connection: GraphConnection) -> TokenCredential:
    network: dict[str, Any] = {
        "connection_verify": connection.verify,
        "use_env_settings": connection.trust_env,
        "connection_timeout": TIMEOUT,
        "read_timeout": TIMEOUT,
        "retry_total": 3,
        "retry_backoff_max": 10,
        "timeout": 4 * TIMEOUT,
    }
    proxies = {k: v for k, v in connection.proxies.items() if k != "no"}
    if proxies and not _needs_no_proxy(connection):
        network["proxies"] = proxies
    login = {
        "authority": connection.authority,
        "disable_instance_discovery": connection.disable_instance_discovery,
        "transport": LoginTransport(trust_env=connection.trust_env, **network),
        **network,
    }
    found = connection.credential
    if isinstance(found, Secret):
        return ClientSecretCredential(connection.tenant, found.client_id, found.secret, **login)
    if isinstance(found, Certificate):
        return _certificate(connection.tenant, found, login)
    return _without_secret(connection, found, login)


def _needs_no_proxy(connection: GraphConnection) -> bool:
    host = urlsplit(connection.authority).hostname or ""
    spared = [name.strip().lstrip("*.") for name in connection.proxies.get("no", "").split(",")]
    return any(name and (host == name or host.endswith(f".{name}")) for name in spared)


def _without_secret(
    connection: GraphConnection, found: ManagedIdentity, login: dict[str, Any]
) -> TokenCredential:
    """Federation where the platform laid a token file (AKS, GitHub), else a managed identity."""
    token_file = os.environ.get(TOKEN_FILE)
    if token_file:
        return WorkloadIdentityCredential(
            tenant_id=found.workload_tenant or connection.tenant,
            client_id=found.client_id,
            token_file_path=token_file,
            **login,
        )
    return ManagedIdentityCredential(client_id=found.client_id)


def _certificate(
    tenant: str | None, found: Certificate, login: dict[str, Any]
) -> CertificateCredential:
    data = _content(found)
    ends = _end(data, found.password)
    if ends < datetime.now(UTC):  # before the login host has to say so
        raise Refused(
            f"The certificate of the connection expired on {ends:%Y-%m-%d}: make a new one and "
            "upload it to the app in Entra."
        )
    return CertificateCredential(
        tenant, found.client_id, certificate_data=data, password=found.password, **login
    )


def _content(found: Certificate) -> bytes:
    return found.data.encode() if found.data else Path(found.path or "").read_bytes()


def _end(data: bytes, password: str | None) -> datetime:
    """The last moment of a certificate in PEM or PKCS12; ValueError for anything else."""
    if b"-----BEGIN CERTIFICATE-----" in data:
        return x509.load_pem_x509_certificate(data).not_valid_after_utc
    bundle = load_pkcs12(data, password.encode() if password else None)
    if bundle.cert is None:
        raise ValueError("no certificate")
    return bundle.cert.certificate.not_valid_after_utc


def certificate_end(connection: GraphConnection) -> datetime | None:
    """The last moment of the connection's certificate, past or not; None if it has none.

    Raises Refused for one that can't be read.
    """
    found = connection.credential
    if not isinstance(found, Certificate):
        return None
    try:
        return _end(_content(found), found.password)
    except (ValueError, OSError) as error:
        raise Refused(_unusable(connection, error)) from None


def _claims(token: str) -> dict[str, Any]:
    """The token's claims, unverified; none if it is not a JWT."""
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return {}


class _Discovered(msgspec.Struct):
    """What is looked at of a discovery document."""

    issuer: str = ""


def _discover(connection: GraphConnection) -> str:
    """The guid in the issuer that the tenant's OIDC discovery names."""
    tenant = connection.tenant or "common"
    url = f"{connection.authority}/{tenant}/v2.0/.well-known/openid-configuration"
    try:
        with httpx.Client(timeout=TIMEOUT, **http_options(connection, sync=True)) as client:
            headers = {"Accept-Encoding": ACCEPTED}
            with client.stream("GET", url, headers=headers) as answer:
                encoding = answer.headers.get("content-encoding", "")
                body = bounded_body(encoding, answer.iter_raw())
        found = msgspec.json.decode(body, type=_Discovered) if answer.is_success else _Discovered()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
        raise Transient(f"OIDC discovery of the tenant failed ({type(error).__name__}).") from None
    for part in found.issuer.lower().split("/"):
        if GUID.fullmatch(part):
            return part
    raise Refused(f"The tenant {tenant!r} is unknown to the login host: check extra.tenant_id.")


def quiet_libraries() -> None:
    """Keep the libraries' own lines out of the task log: a read has its own, and errors theirs.

    msal writes an answer that is no JSON into its log as it is; a cut one would hold a token.
    """
    levels = {"httpx": logging.WARNING, "httpcore": logging.WARNING, "azure": logging.ERROR}
    for name, level in (levels | {"msal": logging.CRITICAL}).items():
        logging.getLogger(name).setLevel(level)
