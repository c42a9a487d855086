"""Tokens by every kind of credential, from the emulator's login and identity endpoints."""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs.api import Window
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Refused, Transient
from include.entra_logs.graph import GraphClient, Limits
from include.entra_logs.graph.identity import Identity
from include.graph_emulator.foreign_host import foreign_host
from include.graph_emulator.process import Emulator
from tests.kit.emulated import CALM, PACE, client, clock_of, connection, found, truth
from tests.kit.memory_store import MemoryStore

API = CATALOGUE["sign_ins"]
WINDOW = Window(datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 10, tzinfo=UTC))
TENANT = "5e1a7c0d-3b52-4c8e-9f40-6d2b8a91c7e3"


def enter(emulator: Emulator, extra: dict[str, Any] | None = None, **fields: Any) -> str:
    """The tenant that `authenticate` proves, with a changed connection."""
    made = connection(emulator, extra, **fields)
    with GraphClient(made, pace=PACE, limits=CALM, now=clock_of(emulator)) as opened:
        return opened.authenticate(API, WINDOW, API.table.event_time).tenant_id


def test_client_secret(emulator: Emulator) -> None:
    """A client secret; the tenant's guid from the token."""
    assert enter(emulator) == TENANT


def test_tenant_by_domain_name(emulator: Emulator) -> None:
    """A tenant named by its domain has the same guid."""
    assert enter(emulator, {"tenant_id": "lakeside.example"}) == TENANT


def test_guid_by_discovery(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token without claims: the guid comes from OIDC discovery."""
    monkeypatch.setattr(Identity, "token", lambda *_, **__: "opaque")
    assert Identity(connection(emulator, {"tenant_id": "lakeside.example"})).tenant_id() == TENANT


@pytest.mark.parametrize("tail", ["\n", " ", "\x00"], ids=repr)
def test_a_guid_ends_where_it_ends(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tail: str
) -> None:
    """A `tid` or a configured tenant with something behind it is no guid: it would be a folder."""
    from include.entra_logs.graph import identity  # noqa: PLC0415  what is patched

    monkeypatch.setattr(Identity, "token", lambda *_, **__: "opaque")
    monkeypatch.setattr(identity, "_claims", lambda _: {"tid": TENANT + tail})
    monkeypatch.setattr(identity, "_discover", lambda _: "discovered")
    found = Identity(connection(emulator, {"tenant_id": TENANT + tail})).tenant_id()
    assert found in {TENANT, "discovered"}


def test_certificate(emulator: Emulator) -> None:
    """A certificate, by path and by data."""
    path = Path(emulator.client_certificate)
    assert enter(emulator, {"certificate_path": str(path)}, password="") == TENANT
    assert enter(emulator, {"certificate_data": path.read_text()}, password="") == TENANT


def test_managed_identity(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A managed identity gets its token from the platform's endpoint, without any secret."""
    from include.graph_emulator import service  # noqa: PLC0415 for its constant alone

    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.identity_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", service.IDENTITY_HEADER)
    extra = {"managed_identity_client_id": emulator.connection["login"], "tenant_id": ""}
    assert enter(emulator, extra, login=None, password=None) == TENANT
    assert enter(emulator, {"tenant_id": ""}, login=None, password=None) == TENANT


def test_workload_identity_federation(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A federated workload shows its platform's token and gets one for Graph."""
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", emulator.federated_token)
    extra = {
        "managed_identity_client_id": emulator.connection["login"],
        "workload_identity_tenant_id": TENANT,
        "tenant_id": "",
    }
    assert enter(emulator, extra, login=None, password=None) == TENANT


def test_no_managed_identity(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no platform gives an identity, that is said."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.identity_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with pytest.raises(Refused):
        enter(emulator, {"tenant_id": ""}, login=None, password=None)


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "wrong secret": ({"password": "wrong"}, {}, "client secret is wrong"),
    "expired secret": ({"password": "emulator~expired"}, {}, "client secret has expired"),
    "unknown app": ({"login": "11111111-1111-1111-1111-111111111111"}, {}, "app is unknown"),
    "unknown tenant": ({}, {"tenant_id": "nobody.example"}, "tenant is unknown"),
    "no CA": ({}, {"verify": True}, "extra.verify"),
    "missing CA": ({}, {"verify": "/nowhere/ca.pem"}, "extra.verify"),
    "missing certificate": ({"password": ""}, {"certificate_path": "/nowhere"}, "certificate"),
    "broken certificate": ({"password": ""}, {"certificate_data": "x"}, "certificate"),
}


@pytest.mark.parametrize(("fields", "extra", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_remedy(
    emulator: Emulator, fields: dict[str, Any], extra: dict[str, Any], text: str
) -> None:
    """What waiting can't mend is refused at once, in one sentence with its remedy."""
    with pytest.raises(Refused, match=text) as caught:
        enter(emulator, extra, **fields)
    assert "wrong" not in fields.values() or "AADSTS7000215" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_expired_certificate(emulator: Emulator) -> None:
    """A certificate past its end is refused before anybody is asked."""
    with pytest.raises(Refused, match="expired on"):
        enter(emulator, {"certificate_path": emulator.expired_certificate}, password="")
    assert emulator.stats().get("token", {"requests": 0})["requests"] == 0


def test_login_host_that_is_down(emulator: Emulator) -> None:
    """A login host that can't be reached is worth another try."""
    with pytest.raises(Transient, match="Login host"):
        enter(emulator, {"authority": "https://127.0.0.1:9"})


@pytest.mark.parametrize("kind", ["html", "cut_json", "server_error"])
def test_login_host_in_trouble(
    emulator: Emulator, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A login host that answers nonsense is worth another try; what it wrote is in no log."""
    emulator.plan([{"kind": kind, "api": "token", "times": 0}])
    with pytest.raises(Transient, match="no usable answer"):
        enter(emulator)
    assert "access_token" not in caplog.text
    assert "<html" not in caplog.text


@pytest.mark.parametrize(
    ("kind", "text"),
    [("forbidden", "AuditLog.Read.All"), ("not_premium", "P1 or P2")],
    ids=["permission", "licence"],
)
def test_missing_right_is_named(emulator: Emulator, kind: str, text: str) -> None:
    """A 403 that lasts names the permission or the licence, and the API; one alone is no proof."""
    emulator.plan([{"kind": kind, "times": 2}])
    assert enter(emulator) == TENANT
    emulator.plan([{"kind": kind, "times": 0}])
    with pytest.raises(Refused, match=text) as caught:
        enter(emulator)
    assert "sign_ins" in str(caught.value)


def test_a_window_past_retention_still_proves_access(emulator: Emulator) -> None:
    """Where Graph refuses so old a filter, the app may read all the same."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with client(emulator, CALM) as opened:
        access = opened.authenticate(
            API, Window(start, start.replace(hour=2)), API.table.event_time
        )
    assert access.past_retention
    assert access.tenant_id == TENANT


def test_token_that_ends_in_mid_read(emulator: Emulator) -> None:
    """A token that Graph refuses in the middle is replaced, and nothing is lost."""
    emulator.plan([{"kind": "expired_token", "request": n} for n in (3, 9)])
    store = MemoryStore()
    with client(emulator, Limits(slices=1)) as opened:
        opened.read(API, WINDOW, API.table.event_time, store)
    assert found(store, API, WINDOW) == truth(emulator, API, WINDOW)
    assert emulator.stats()["token"]["requests"] == 3


def test_token_is_renewed_before_its_end(emulator: Emulator) -> None:
    """A token with less than five minutes to live is not used for the next request."""
    emulator.change(token_lifetime=200)
    try:
        identity = Identity(connection(emulator))
        first = identity.token()
        emulator.change(token_lifetime=3599)
        second = identity.token()
        assert first != second
        assert identity.token() == second
    finally:
        emulator.change(token_lifetime=3599)


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_no_token_for_a_foreign_host(emulator: Emulator, scheme: str) -> None:
    """A next link to another host is never followed, so nothing at all reaches it."""
    certificate = emulator.foreign_certificate if scheme == "https" else None
    with foreign_host(certificate) as foreign:
        fault = {"kind": "foreign_next_link", "host": foreign.host, "scheme": scheme}
        emulator.plan([fault | {"request": 3}])
        store = MemoryStore()
        with client(emulator, CALM) as opened:
            opened.read(API, WINDOW, API.table.event_time, store)
            emulator.plan([fault | {"times": 0}])
            with pytest.raises(Transient, match="another server"):
                opened.read(API, WINDOW, API.table.event_time, MemoryStore())
        assert found(store, API, WINDOW) == truth(emulator, API, WINDOW)
        assert foreign.seen == []


def test_nothing_secret_is_logged(
    emulator: Emulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No token, secret or event in any log record of any library, at any level in use."""
    tokens = []
    original = Identity.token

    def token(self: Identity, **options: Any) -> str:
        tokens.append(original(self, **options))
        return tokens[-1]

    monkeypatch.setattr(Identity, "token", token)
    caplog.set_level(logging.INFO)
    emulator.plan([{"kind": "server_error"}, {"kind": "html"}, {"kind": "expired_token"}])
    store = MemoryStore()
    with client(emulator, CALM) as opened:
        opened.authenticate(API, WINDOW, API.table.event_time)
        opened.read(API, WINDOW, API.table.event_time, store)
    secrets = {emulator.connection["password"], *tokens, *(i for i, _ in found(store, API, WINDOW))}
    assert tokens
    assert not any(secret in caplog.text for secret in secrets)
