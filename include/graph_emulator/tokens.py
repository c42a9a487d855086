"""Access tokens: opaque to clients, shaped like the JWTs that Microsoft Entra issues."""

import base64
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson

from include.graph_emulator.answers import Refusal

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
_AUTHENTICATE = (
    'Bearer realm="", authorization_uri="https://{host}/common/oauth2/authorize", '
    f'client_id="{GRAPH_APP}"'
)


@dataclass(frozen=True)
class Grant:
    """What a token was issued for."""

    app: str
    tenant: str
    roles: tuple[str, ...]
    expires: float
    """Real time, seconds since 1970."""


@dataclass
class Tokens:
    """The tokens that were issued, and are still good."""

    issued: dict[str, Grant] = field(default_factory=dict)

    def issue(
        self, app: str, tenant: str, roles: list[str], lifetime: float, appidacr: str, audience: str
    ) -> str:
        """A new token. Without consent it has no `roles` claim, and is issued all the same."""
        now = time.time()
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant}/",
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + lifetime),
            "aio": secrets.token_urlsafe(24),
            "app_displayname": "Entra Lake",
            "appid": app,
            "appidacr": appidacr,
            "idp": f"https://sts.windows.net/{tenant}/",
            "idtyp": "app",
            "oid": str(uuid.uuid5(uuid.NAMESPACE_URL, app + tenant)),
            "rh": "1.A.",
            "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, app + tenant)),
            "tid": tenant,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
            "xms_tcdt": 1546300800,
        }
        if roles:
            claims["roles"] = roles
        head = {"typ": "JWT", "alg": "RS256", "x5t": "emulator", "kid": "emulator"}
        token = ".".join(_encode(part) for part in (head, claims))
        token += "." + secrets.token_urlsafe(256)
        self.issued[token] = Grant(app, tenant, tuple(roles), now + lifetime)
        return token

    def check(self, authorization: str | None, host: str) -> Grant:
        """The grant behind an `Authorization` header; Refusal 401 if there is none."""
        headers = {"WWW-Authenticate": _AUTHENTICATE.format(host=host)}
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            message = "Access token is empty."
            raise Refusal(401, "InvalidAuthenticationToken", message, headers)
        grant = self.issued.get(token.strip())
        if grant is None:
            message = "IDX14100: JWT is not well formed, or was not issued by this emulator."
            raise Refusal(401, "InvalidAuthenticationToken", message, headers)
        if grant.expires <= time.time():
            raise expired(host)
        return grant

    def expire(self) -> int:
        """End every token now; returns how many there were."""
        for token, grant in self.issued.items():
            self.issued[token] = Grant(grant.app, grant.tenant, grant.roles, 0.0)
        return len(self.issued)


def expired(host: str) -> Refusal:
    """401 for a token past its time (observed, 2024)."""
    return Refusal(
        401,
        "InvalidAuthenticationToken",
        "Lifetime validation failed, the token is expired.",
        {"WWW-Authenticate": _AUTHENTICATE.format(host=host)},
    )


def _encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode()
