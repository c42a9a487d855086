"""Client assertions: JWTs signed with a registered certificate, or by a federated issuer."""

import base64
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

FEDERATED_ISSUER = "https://issuer.lakeside.example"
FEDERATED_SUBJECT = "system:serviceaccount:entra:lake"
FEDERATED_AUDIENCE = "api://AzureADTokenExchange"


class AssertionRefused(Exception):
    """An assertion that proves nothing; `number` is the AADSTS code."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


def _thumbprint(certificate: x509.Certificate, algorithm: hashes.HashAlgorithm) -> str:
    digest = certificate.fingerprint(algorithm)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass
class Assertions:
    """The certificates of the app registration."""

    certificates: list[x509.Certificate] = field(default_factory=list)

    def check(self, assertion: str, client: str, root: str) -> None:
        """Nothing if `assertion` proves that it comes from `client`; AssertionRefused if not."""
        try:
            head = jwt.get_unverified_header(assertion)
            claims = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.InvalidTokenError as error:
            raise AssertionRefused(50027, "JWT token is invalid or malformed.") from error
        if claims.get("iss") == client:
            self._check_certificate(assertion, head, claims, client, root)
        else:
            _check_federation(claims)

    def _check_certificate(
        self, assertion: str, head: dict[str, Any], claims: dict[str, Any], client: str, root: str
    ) -> None:
        certificate = self._find(head)
        print_ = head.get("x5t#S256") or head.get("x5t") or ""
        if certificate is None:
            raise AssertionRefused(
                700027,
                "The certificate with identifier used to sign the client assertion is not "
                "registered on application. [Reason - The key was not found., Thumbprint of key "
                f"used by client: '{print_}'].",
            )
        if certificate.not_valid_after_utc < datetime.now(UTC):
            end = certificate.not_valid_after_utc.strftime("%m/%d/%Y %H:%M:%S")
            raise AssertionRefused(
                700027,
                "The certificate with identifier used to sign the client assertion is expired on "
                f"application. [Reason - The key used is expired., Thumbprint of key used by "
                f"client: '{print_}', Found key 'End={end}'].",
            )
        self._verify(assertion, head, certificate)
        _check_claims(claims, client, root)

    def _verify(self, assertion: str, head: dict[str, Any], certificate: x509.Certificate) -> None:
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise TypeError("certificates of an app registration have an RSA key")
        try:
            jwt.decode(
                assertion, key, algorithms=[head["alg"]],
                options={"verify_aud": False, "verify_exp": False, "verify_nbf": False},
            )  # fmt: skip
        except jwt.InvalidTokenError as error:
            raise AssertionRefused(
                700027,
                "Client assertion contains an invalid signature. [Reason - The key was found, but "
                "use of the key to verify the signature failed.].",
            ) from error

    def _find(self, head: dict[str, Any]) -> x509.Certificate | None:
        for certificate in self.certificates:
            sha1 = hashes.SHA1()  # noqa: S303  the thumbprint that x5t is defined as
            if head.get("x5t#S256", "").rstrip("=") == _thumbprint(certificate, hashes.SHA256()):
                return certificate
            if head.get("x5t", "").rstrip("=") == _thumbprint(certificate, sha1):
                return certificate
        return None


def _check_claims(claims: dict[str, Any], client: str, root: str) -> None:
    now = time.time()
    if not claims.get("nbf", now) - 300 <= now <= claims.get("exp", 0) + 300:
        raise AssertionRefused(700024, "Client assertion is not within its valid time range.")
    if claims.get("sub") != client or not str(claims.get("aud", "")).startswith(root):
        raise AssertionRefused(
            700023, "Client assertion audience claim does not match Realm issuer."
        )


def _check_federation(claims: dict[str, Any]) -> None:
    """A workload's token of another issuer; its signature is taken on trust here."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if (
        claims.get("iss") != FEDERATED_ISSUER
        or claims.get("sub") != FEDERATED_SUBJECT
        or FEDERATED_AUDIENCE not in audiences
    ):
        raise AssertionRefused(
            70021,
            "No matching federated identity record found for presented assertion. Assertion "
            f"Issuer: '{claims.get('iss')}'. Assertion Subject: '{claims.get('sub')}'. Assertion "
            f"Audience: '{audience}'.",
        )
    if claims.get("exp", 0) < time.time():
        raise AssertionRefused(700024, "Client assertion is not within its valid time range.")
