"""The login host: OpenID discovery and the token endpoint of Microsoft Entra.

Documented: the client credentials flow and its error body. The texts of the errors were observed.
"""

import base64
import time
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

import orjson

from include.graph_emulator import ticks
from include.graph_emulator.answers import Answer, json_answer
from include.graph_emulator.assertions import AssertionRefused, Assertions
from include.graph_emulator.catalogue import permissions
from include.graph_emulator.clock import Clock
from include.graph_emulator.settings import Settings
from include.graph_emulator.tokens import Tokens

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class LoginRefused(Exception):
    """An error of the token endpoint, AADSTS`number`."""

    def __init__(self, status: int, error: str, number: int, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.number, self.message = status, error, number, message

    def answer(self, clock: Clock) -> Answer:
        """The error body (documented)."""
        at = ticks.to_text(clock.now()).replace("T", " ")
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        text = f"AADSTS{self.number}: {self.message} Trace ID: {trace} "
        return json_answer(
            {
                "error": self.error,
                "error_description": f"{text}Correlation ID: {correlation} Timestamp: {at}",
                "error_codes": [self.number],
                "timestamp": at,
                "trace_id": trace,
                "correlation_id": correlation,
                "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
            },
            self.status,
        )


@dataclass
class Login:
    """Answers for the login host."""

    settings: Settings
    clock: Clock
    tokens: Tokens
    assertions: Assertions

    def tenant(self, name: str) -> str:
        """The guid of a tenant by guid or domain; LoginRefused AADSTS90002."""
        for guid, tenant in self.settings.tenants.items():
            if name.lower() in (guid, *tenant.domains):
                return guid
        raise LoginRefused(
            400, "invalid_request", 90002,
            f"Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are "
            "signing into the correct cloud. Check with your subscription administrator, this may "
            "happen if there are no active subscriptions for the tenant.",
        )  # fmt: skip

    def discovery(self, name: str, host: str) -> Answer:
        """The OpenID configuration; also for a domain, with the guid in the issuer."""
        guid = self.tenant(name)
        root = f"https://{host}/{name}"
        return json_answer(
            {
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post", "private_key_jwt", "client_secret_basic",
                ],
                "jwks_uri": f"{root}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": f"https://{host}/{guid}/v2.0",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
                "tenant_region_scope": "EU",
                "cloud_instance_name": "microsoftonline.com",
                "cloud_graph_host_name": "graph.windows.net",
                "msgraph_host": "graph.microsoft.com",
            }
        )  # fmt: skip

    def token(self, name: str, form: bytes, basic: str | None, host: str) -> Answer:
        """A token for the client credentials in `form`; LoginRefused otherwise."""
        guid = self.tenant(name)
        fields = {key: values[0] for key, values in parse_qs(form.decode()).items()}
        if basic and basic.lower().startswith("basic "):
            user, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
            fields |= {"client_id": unquote(user), "client_secret": unquote(secret)}
        if fields.get("grant_type") != "client_credentials":
            raise LoginRefused(
                400, "unsupported_grant_type", 70003,
                "The app requested an unsupported grant type.",
            )  # fmt: skip
        client = fields.get("client_id", "")
        audience = self._audience(fields.get("scope", ""))
        means = self._authenticate(client, guid, fields, f"https://{host}/{name}")
        return self._grant(client, guid, means, audience)

    def _audience(self, scope: str) -> str:
        """The resource of a `…/.default` scope; AADSTS1002012 for any other scope."""
        if not scope.endswith("/.default"):
            raise LoginRefused(
                400, "invalid_scope", 1002012,
                f"The provided value for scope {scope} is not valid. Client credential flows must "
                "have a scope value with /.default suffixed to the resource identifier.",
            )  # fmt: skip
        return scope.removesuffix("/.default")

    def _authenticate(self, client: str, tenant: str, fields: dict[str, str], root: str) -> str:
        """`appidacr` of a client that proved who it is: "1" by secret, "2" by certificate."""
        app = self.settings.applications.get(client)
        if app is None:
            raise LoginRefused(
                400, "unauthorized_client", 700016,
                f"Application with identifier '{client}' was not found in the directory "
                f"'{tenant}'. This can happen if the application has not been installed by the "
                "administrator of the tenant or consented to by any user in the tenant. You may "
                "have sent your authentication request to the wrong tenant.",
            )  # fmt: skip
        if fields.get("client_assertion_type") == _ASSERTION:
            try:
                self.assertions.check(fields.get("client_assertion", ""), client, root)
            except AssertionRefused as refused:
                raise LoginRefused(401, "invalid_client", refused.number, str(refused)) from refused
            return "2"
        secret = fields.get("client_secret")
        if secret in app.secrets:
            return "1"
        raise self._wrong_secret(client, secret, expired=secret in app.expired_secrets)

    def _wrong_secret(self, client: str, secret: str | None, *, expired: bool) -> LoginRefused:
        if not secret:
            return LoginRefused(
                401, "invalid_client", 7000218,
                "The request body must contain the following parameter: 'client_assertion' or "
                "'client_secret'.",
            )  # fmt: skip
        if expired:
            return LoginRefused(
                401, "invalid_client", 7000222,
                f"The provided client secret keys for app '{client}' are expired. Visit the Azure "
                "portal to create new keys for your app, or consider using certificate "
                "credentials for added security.",
            )  # fmt: skip
        return LoginRefused(
            401, "invalid_client", 7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the "
            f"client secret value, not the client secret ID, for a secret added to app '{client}'.",
        )  # fmt: skip

    def _grant(self, client: str, tenant: str, means: str, audience: str) -> Answer:
        lifetime = self.settings.token_lifetime
        roles = self.settings.applications[client].roles
        if roles is None:
            roles = permissions()
        token = self.tokens.issue(client, tenant, roles, lifetime, means, audience)
        seconds = max(1, int(lifetime))
        return json_answer(
            {
                "token_type": "Bearer",
                "expires_in": seconds,
                "ext_expires_in": seconds,  # observed, not documented
                "access_token": token,
            }
        )

    def managed_identity(self, resource: str) -> Answer:
        """A token for the machine's own identity, as IMDS and App Service answer (documented)."""
        client = next(iter(self.settings.applications))
        tenant = next(iter(self.settings.tenants))
        answer = orjson.loads(self._grant(client, tenant, "2", resource).body[0])
        seconds = answer["expires_in"]
        return json_answer(
            {
                "access_token": answer["access_token"],
                "client_id": client,
                "expires_in": str(seconds),
                "expires_on": str(int(time.time()) + seconds),
                "not_before": str(int(time.time())),
                "resource": resource,
                "token_type": "Bearer",
            }
        )
