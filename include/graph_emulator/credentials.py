"""Throw-away certificates of a client, and the token of a federated workload."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from include.graph_emulator.assertions import (
    FEDERATED_AUDIENCE,
    FEDERATED_ISSUER,
    FEDERATED_SUBJECT,
)


def make_certificate(path: Path, *, expired: bool = False) -> x509.Certificate:
    """A self-signed certificate, written with its private key to the PEM file `path`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "entra-lake emulator client")])
    end = datetime.now(UTC) + timedelta(days=-1 if expired else 30)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=60))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    path.chmod(0o600)
    return certificate


def make_federated_token(path: Path, lifetime: float = 3600) -> None:
    """Write the token file that a federated workload would have, e.g. a pod's service account."""
    now = int(time.time())
    claims = {
        "iss": FEDERATED_ISSUER,
        "sub": FEDERATED_SUBJECT,
        "aud": [FEDERATED_AUDIENCE],
        "iat": now,
        "nbf": now,
        "exp": now + int(lifetime),
    }
    path.write_text(jwt.encode(claims, "a key that nobody checks, of sufficient length"))
    path.chmod(0o600)
