"""Every ENTRA_ variable: default, meaning, and the sentence that refuses what is malformed."""

from datetime import UTC, datetime, timedelta

import pytest

from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.docs.settings import PAGE, settings_page
from include.entra_logs.errors import Refused
from include.entra_logs.settings import ROOT, Settings, load_settings, start_text, unknown_settings
from include.entra_logs.start import parse_start


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """No ENTRA_ variable of the developer's shell."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ENTRA_{name.upper()}", raising=False)


def test_defaults() -> None:
    """Without any variable: a lake beside dags/, nothing scheduled, 30 days, all kept, silent."""
    found = load_settings()
    assert found.lake_url == (ROOT / "lake").as_uri()
    assert (ROOT / "dags").is_dir()
    assert found.graph_conn_id == "msgraph_default"
    assert (found.start, start_text(found)) == (None, "unset: only manual runs and backfills")
    assert {found.retention(api) for api in CATALOGUE.values()} == {timedelta(days=30)}
    assert (found.raw_retention_days, found.table_retention_days) == (None, None)
    assert found.alerts_conn_id is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ENTRA_LAKE_URL", "/var/lake"),
        ("ENTRA_LAKE_URL", "s3://bucket/lake"),
        ("ENTRA_LAKE_URL", "file://"),
        ("ENTRA_LAKE_URL", "file:///"),
        ("ENTRA_LAKE_URL", "file://relative/lake"),
        ("ENTRA_LAKE_URL", "abfs://container/lake"),
        ("ENTRA_LAKE_URL", "abfs://@container/lake"),
        ("ENTRA_LAKE_URL", "abfs://conn@/lake"),
        ("ENTRA_GRAPH_CONN_ID", "two words"),
        ("ENTRA_ALERTS_CONN_ID", "https://hooks.slack.com/x"),
        ("ENTRA_START", "yesterday"),
        ("ENTRA_START", "2026-13-01"),
        ("ENTRA_RETENTION_DAYS", "thirty"),
        ("ENTRA_RETENTION_DAYS", "0"),
        ("ENTRA_RETENTION_DAYS", "sign_in=30"),
        ("ENTRA_RETENTION_DAYS", "sign_ins=30,sign_ins=31"),
        ("ENTRA_RETENTION_DAYS", "sign_ins=30,risk_detections="),
        ("ENTRA_RAW_RETENTION_DAYS", "-1"),
        ("ENTRA_RAW_RETENTION_DAYS", "1.5"),
        ("ENTRA_TABLE_RETENTION_DAYS", "999999999999"),
    ],
)
def test_malformed(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    """Refused in one sentence: the name, what it was, what it may be."""
    monkeypatch.setenv(name, text)
    with pytest.raises(Refused) as refused:
        load_settings()
    told = str(refused.value)
    assert told.startswith(f"{name} was {text!r}; it may be ")
    assert "\n" not in told
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_two_malformed_are_both_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look at the log is enough to mend all."""
    monkeypatch.setenv("ENTRA_START", "x")
    monkeypatch.setenv("ENTRA_LAKE_URL", "y")
    with pytest.raises(Refused, match=r"ENTRA_LAKE_URL was 'y'.*ENTRA_START was 'x'"):
        load_settings()


def test_an_empty_value_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Compose file passes variables that nobody has set as empty ones."""
    for name in Settings.model_fields:
        monkeypatch.setenv(f"ENTRA_{name.upper()}", "")
    assert load_settings() == Settings()
    assert load_settings().start is None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("7", {"sign_ins": 7, "directory_audits": 7, "risk_detections": 7}),
        (
            "sign_ins=30, risk_detections=90",
            {"sign_ins": 30, "directory_audits": 30, "risk_detections": 90},
        ),
    ],
    ids=["all", "by API"],
)
def test_retention_by_api(monkeypatch: pytest.MonkeyPatch, text: str, days: dict[str, int]) -> None:
    """One number for all, or one each; an API that is not named keeps the default."""
    monkeypatch.setenv("ENTRA_RETENTION_DAYS", text)
    found = load_settings()
    assert {name: found.retention(CATALOGUE[name]).days for name in days} == days


def test_start_is_utc_unless_it_has_an_offset() -> None:
    """A date alone is midnight in UTC."""
    assert parse_start("2026-11-22") == datetime(2026, 11, 22, tzinfo=UTC)
    assert parse_start("2026-11-22T01:00+02:00") == datetime(2026, 11, 21, 23, tzinfo=UTC)
    assert parse_start("  ") is None


def test_a_misspelt_setting_is_found() -> None:
    """What starts with ENTRA_ and is no setting is named by `make init`."""
    assert unknown_settings({"ENTRA_LAKE_ULR": "x", "ENTRA_START": "x", "PATH": "x"}) == [
        "ENTRA_LAKE_ULR"
    ]


def test_the_settings_page_is_fresh() -> None:
    """docs/settings.md is what `python -m include.entra_logs.docs.settings` writes."""
    assert PAGE.read_text(encoding="utf-8") == settings_page()


def test_the_settings_page_names_every_setting() -> None:
    """A new setting can't be left out: each has a line with default, range and meaning."""
    for name, field in Settings.model_fields.items():
        (line,) = (
            row
            for row in settings_page().splitlines()
            if row.startswith(f"| `ENTRA_{name.upper()}`")
        )
        assert field.description
        assert field.description in line
        assert line.count("|") == 5
