"""A certificate that ends soon is told in time, in every form that the connection may hold it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from include.entra_logs.errors import Refused
from include.entra_logs.graph.connection import GraphConnection, from_fields
from include.entra_logs.graph.identity import certificate_end
from include.entra_logs.watch.cause import Kind
from include.entra_logs.watch.certificate import expiring

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PASSWORD = "pass phrase"


def certificate(days: float) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A key and a certificate that ends so many days after NOW."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "entra-lake")])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=NOW - timedelta(days=200),
        not_valid_after=NOW + timedelta(days=days),
    )
    return key, builder.sign(key, hashes.SHA256())


def connection(form: str, days: float, folder: Path) -> GraphConnection:
    """A connection with the certificate as PEM text, PEM file or PKCS12 file."""
    key, made = certificate(days)
    pem = made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    extra: dict[str, Any] = {"tenant_id": "contoso.example"}
    password = None
    if form == "pem text":
        extra["certificate_data"] = pem.decode()
    else:
        file = folder / "certificate"
        extra["certificate_path"] = str(file)
        if form == "pkcs12 file":
            password = PASSWORD
            locked = serialization.BestAvailableEncryption(PASSWORD.encode())
            pem = pkcs12.serialize_key_and_certificates(b"x", key, made, None, locked)
        file.write_bytes(pem)
    return from_fields("app", password, None, None, None, extra)


@pytest.mark.parametrize("form", ["pem text", "pem file", "pkcs12 file"])
@pytest.mark.parametrize(
    ("days", "says"),
    [
        (40, None),
        (30.1, None),
        (20, "msgraph_default expires on 2026-12-12, in 20 days."),
        (-2, "msgraph_default is over: it expired on 2026-11-20."),
    ],
)
def test_a_certificate_is_told_from_30_days_before_its_end(
    tmp_path: Path, form: str, days: float, says: str | None
) -> None:
    """20 days left is a cause, 40 is none; what is past its end is one still."""
    ends = certificate_end(connection(form, days, tmp_path))
    assert ends == NOW + timedelta(days=days)
    found = expiring("msgraph_default", ends, NOW)
    if says is None:
        assert found == []
    else:
        (cause,) = found
        assert (cause.topic.kind, cause.topic.name) == (Kind.CERTIFICATE, "msgraph_default")
        assert cause.says.endswith(says)
        assert "upload its public part" in cause.remedy


def test_without_a_certificate_there_is_nothing_to_tell() -> None:
    """A client secret carries no date; Entra's page alone knows it."""
    secret = from_fields("app", "secret", None, None, None, {"tenant_id": "contoso.example"})
    assert certificate_end(secret) is None
    assert expiring("msgraph_default", None, NOW) == []


def test_one_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A missing file or another content names the fields of the connection."""
    extra = {"tenant_id": "contoso.example", "certificate_path": str(tmp_path / "gone.pem")}
    for _ in ("missing", "no certificate"):
        with pytest.raises(Refused, match=r"extra\.certificate_path"):
            certificate_end(from_fields("app", None, None, None, None, extra))
        (tmp_path / "gone.pem").write_text("no certificate", encoding="utf-8")
