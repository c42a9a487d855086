"""Views and questions over a lake whose every row is written here: the answers are known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from include.bi.database import open_lake_database, set_time_zone
from include.bi.questions import Answer, ask, first_answers, questions
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Refused
from tests.integration.bi_lake import audit, detection, sign_in, write_rows

Rows = list[dict[str, Any]]
OpenLake = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture
def lake_of(tmp_path: Path) -> OpenLake:
    """Opens a lake that holds the given rows of each table."""

    def opened(time_zone: str = "UTC", **tables: Rows) -> duckdb.DuckDBPyConnection:
        for name, rows in tables.items():
            write_rows(tmp_path, name, rows)
        return open_lake_database(tmp_path.as_uri(), time_zone=time_zone)

    return opened


def rows_of(answer: Answer) -> Rows:
    """The answer's rows by column."""
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


def view(con: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    """The rows that the SQL brings, by column."""
    result = con.execute(sql)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_there_are_ten_questions() -> None:
    """Ten first questions are shipped, each worded as a question."""
    assert len(questions()) == 10
    assert all(wording.endswith("?") and wording[0].isupper() for wording in questions().values())


@pytest.mark.parametrize("name", questions())
def test_an_empty_lake_has_empty_answers(lake_of: OpenLake, name: str) -> None:
    """A lake without a single file still opens, and each question has columns and no rows."""
    answer = ask(lake_of(), name)
    assert answer.rows == []
    assert answer.columns


def test_older_partitions_read_together_with_newer_ones(lake_of: OpenLake, tmp_path: Path) -> None:
    """A file from before a column was declared reads as null there, alone or beside others."""
    write_rows(tmp_path, "sign_ins", [sign_in("anna", "2026-11-02 08:00")])
    (file,) = tmp_path.glob("tables/sign_ins/*/*/*/events.parquet")
    pq.write_table(pq.read_table(file, partitioning=None).drop_columns(["user_agent"]), file)
    con = lake_of()
    assert view(con, "SELECT user_agent, hour FROM sign_ins") == [{"user_agent": None, "hour": 8}]
    write_rows(tmp_path, "sign_ins", [sign_in("ben", "2026-11-02 10:00", user_agent="curl")])
    agents = view(lake_of(), "SELECT user_agent FROM sign_ins ORDER BY created_date_time")
    assert [row["user_agent"] for row in agents] == [None, "curl"]


def test_partition_columns_come_from_the_path(lake_of: OpenLake) -> None:
    """`tenant_id`, `date` and `hour` are text, date and number, and a filter on them prunes."""
    days = ["2026-11-02 08:00", "2026-11-03 00:30"]
    con = lake_of(sign_ins=[sign_in("anna", day) for day in days])
    (row,) = view(
        con,
        "SELECT typeof(tenant_id) t, typeof(date) d, typeof(hour) h, hour FROM sign_ins LIMIT 1",
    )
    assert (row["t"], row["d"], row["h"]) == ("VARCHAR", "DATE", "INTEGER")
    plan = con.execute(
        "EXPLAIN ANALYZE SELECT count(user_id) FROM sign_ins WHERE date = DATE '2026-11-03'"
    ).fetchall()[0][1]
    assert "Scanning Files: 1/2" in plan


def test_calendar_follows_the_time_zone(lake_of: OpenLake) -> None:
    """A quarter of an hour has its local time, also where offsets are half hours and days jump."""
    con = lake_of(sign_ins=[sign_in("anna", "2026-11-01 20:00")])
    set_time_zone(con, "Asia/Kolkata")
    (row,) = view(con, "FROM calendar WHERE quarter_start = '2026-11-01 18:45:00+00'")
    assert str(row["local_time"]) == "2026-11-02 00:15:00"
    assert (row["local_weekday_name"], row["is_weekend"], row["hour"]) == ("Monday", False, 18)
    assert view(con, "SELECT count(*) AS n FROM calendar") == [{"n": 96}]


def test_an_unknown_time_zone_is_refused(lake_of: OpenLake) -> None:
    """A misspelt time zone is named at once."""
    with pytest.raises(Refused, match="Europe/Hamborg"):
        lake_of(time_zone="Europe/Hamborg")


def test_current_risk_adds_up_open_detections(lake_of: OpenLake) -> None:
    """A user's level is the highest open one; closed detections leave no level."""
    con = lake_of(
        risk_detections=[
            detection("anna", "2026-11-01 08:00", risk_level="high", risk_state="remediated"),
            detection("anna", "2026-11-02 08:00", risk_level="low"),
            detection("anna", "2026-11-02 09:00", risk_event_type="unlikelyTravel"),
            detection("ben", "2026-11-02 08:00", risk_level="high", risk_state="dismissed"),
            detection("cleo", "2026-11-02 08:00", risk_level="hidden"),
        ]
    )
    risk = {row["user_display_name"]: row for row in view(con, "FROM current_risk")}
    assert {name: row["risk_level"] for name, row in risk.items()} == {
        "Anna": "medium",
        "Ben": "none",
        "Cleo": "hidden",
    }
    assert (risk["Anna"]["open_detections"], risk["Anna"]["detections"]) == (2, 3)
    assert risk["Anna"]["open_risk_event_types"] == ["unfamiliarFeatures", "unlikelyTravel"]
    assert risk["Ben"]["last_risk_state"] == "dismissed"


def test_sign_in_policies_keeps_sign_ins_without_any(lake_of: OpenLake) -> None:
    """One row for each sign-in and policy; one with nulls for a sign-in without policies."""
    policies = [
        {
            "id": "p1",
            "display_name": "MFA",
            "result": "success",
            "enforced_grant_controls": ["Mfa"],
        },
        {"id": "p2", "display_name": "Block", "result": "notApplied"},
    ]
    con = lake_of(
        sign_ins=[
            sign_in("anna", "2026-11-02 08:00", applied_conditional_access_policies=policies),
            sign_in("ben", "2026-11-02 08:00"),
            sign_in("cleo", "2026-11-02 08:00", applied_conditional_access_policies=None),
        ]
    )
    found = view(
        con,
        "SELECT user_display_name u, policy_id p, policy_enforced_grant_controls g "
        "FROM sign_in_policies ORDER BY ALL",
    )
    assert [(row["u"], row["p"], row["g"]) for row in found] == [
        ("Anna", "p1", ["Mfa"]),
        ("Anna", "p2", None),
        ("Ben", None, None),
        ("Cleo", None, None),
    ]


def test_audit_changes_has_one_row_per_changed_property(lake_of: OpenLake) -> None:
    """Values are as they came, and beside them what Entra's JSON text says."""
    changes = [
        {"display_name": "Department", "old_value": '["Sales"]', "new_value": '["R&D"]'},
        {"display_name": "Role.DisplayName", "old_value": None, "new_value": '"Reader"'},
        {"display_name": "Odd", "old_value": "not json", "new_value": ""},
    ]
    targets = [
        {"id": "1", "type": "User", "modified_properties": changes},
        {"id": "2", "type": "Group", "modified_properties": []},
    ]
    rows = [
        audit("Update user", "2026-11-02 08:00", target_resources=targets),
        audit("Delete user", "2026-11-02 08:00"),
    ]
    found = view(lake_of(directory_audits=rows), "FROM audit_changes")
    assert [(row["property"], row["old_text"], row["new_text"]) for row in found] == [
        ("Department", '["Sales"]', '["R&D"]'),
        ("Role.DisplayName", None, "Reader"),
        ("Odd", "not json", ""),
    ]
    assert {row["target_type"] for row in found} == {"User"}


def test_who_works_late(lake_of: OpenLake) -> None:
    """Late is local: 18:30 in UTC is past work in Berlin in winter, and weekends count whole."""
    con = lake_of(
        time_zone="Europe/Berlin",
        sign_ins=[
            sign_in("anna", "2026-11-02 18:30"),
            sign_in("anna", "2026-11-03 22:00"),
            sign_in("ben", "2026-11-02 09:00"),
            sign_in("ben", "2026-11-07 09:00"),
            sign_in("cleo", "2026-11-02 22:00", status_error_code=50126),
        ],
    )
    anna, ben = rows_of(ask(con, "who_works_late"))
    assert (anna["days"], anna["sign_ins"], anna["at_night"], anna["at_weekends"]) == (2, 2, 1, 0)
    assert (ben["user_principal_name"], ben["at_weekends"]) == ("ben@example.com", 1)
    con.execute("SET VARIABLE work_ends = 20")
    assert [row["days"] for row in rows_of(ask(con, "who_works_late"))] == [1, 1]


def test_failures_by_country_and_reason(lake_of: OpenLake) -> None:
    """Failures are counted by country and code; a sign-in without a place is `unknown`."""
    wrong = {"status_error_code": 50126, "status_failure_reason": "Invalid password"}
    con = lake_of(
        sign_ins=[
            sign_in("anna", "2026-11-02 08:00", **wrong),
            sign_in("ben", "2026-11-02 08:00", **wrong),
            sign_in("ben", "2026-11-02 09:00"),
            sign_in("ben", "2026-11-02 10:00", **wrong, location_country_or_region=None),
        ]
    )
    assert ask(con, "failures_by_country_and_reason").rows == [
        ("DE", 50126, "Invalid password", 2, 2),
        ("unknown", 50126, "Invalid password", 1, 1),
    ]


def test_password_spray(lake_of: OpenLake) -> None:
    """Many users, few tries each, hardly anyone in: a spray. An office's typing errors are none."""
    spray = [
        sign_in(f"user{n}", "2026-11-02 08:00", ip_address="203.0.113.9", status_error_code=50126)
        for n in range(12)
    ]
    spray.append(sign_in("user3", "2026-11-02 09:00", ip_address="203.0.113.9"))
    office = [
        sign_in(f"user{n}", f"2026-11-02 1{try_}:00", status_error_code=code)
        for n in range(15)
        for try_, code in enumerate((50126, 0))
    ]
    (found,) = rows_of(ask(lake_of(sign_ins=spray + office), "password_spray"))
    assert (found["ip_address"], found["users_tried"], found["guesses"]) == ("203.0.113.9", 12, 12)
    assert found["got_in"] == ["user3@example.com"]


def test_impossible_travel(lake_of: OpenLake) -> None:
    """Hamburg and Tokyo within two hours is impossible; with a day between it is a journey."""
    tokyo = {
        "location_city": "Tokyo",
        "location_country_or_region": "JP",
        "location_geo_coordinates_latitude": 35.68,
        "location_geo_coordinates_longitude": 139.69,
        "ip_address": "198.51.100.7",
    }
    con = lake_of(
        sign_ins=[
            sign_in("anna", "2026-11-02 08:00"),
            sign_in("anna", "2026-11-02 10:00", **tokyo),
            sign_in("anna", "2026-11-02 16:00"),
            sign_in("ben", "2026-11-02 08:00"),
            sign_in("ben", "2026-11-03 10:00", **tokyo),
            sign_in("cleo", "2026-11-02 08:00"),
            sign_in("cleo", "2026-11-02 09:00", **tokyo, status_error_code=50126),
        ]
    )
    (found,) = rows_of(ask(con, "impossible_travel"))
    assert (found["user_principal_name"], found["city_before"], found["city"]) == (
        "anna@example.com",
        "Hamburg",
        "Tokyo",
    )
    assert found["moves"] == 2
    assert found["km"] == pytest.approx(8980, rel=0.01)
    assert found["hours"] == 2


def test_risky_sign_ins_that_succeeded(lake_of: OpenLake) -> None:
    """Successes at risk that nobody closed, the worst first."""
    risky = {"risk_level_during_sign_in": "low", "risk_state": "atRisk"}
    con = lake_of(
        sign_ins=[
            sign_in("anna", "2026-11-02 08:00", **risky),
            sign_in("ben", "2026-11-02 08:00", **risky, status_error_code=53003),
            sign_in("cleo", "2026-11-02 08:00", **{**risky, "risk_state": "remediated"}),
            sign_in("dora", "2026-11-02 08:00", risk_level_aggregated="high", risk_state="atRisk"),
            sign_in("emil", "2026-11-02 08:00"),
        ]
    )
    users = [
        row["user_principal_name"] for row in rows_of(ask(con, "risky_sign_ins_that_succeeded"))
    ]
    assert users == ["dora@example.com", "anna@example.com"]


def test_legacy_clients(lake_of: OpenLake) -> None:
    """Every client but browsers and modern apps."""
    con = lake_of(
        sign_ins=[
            sign_in("anna", "2026-11-02 08:00", client_app_used="IMAP4"),
            sign_in("anna", "2026-11-02 09:00", client_app_used="IMAP4", status_error_code=50126),
            sign_in("ben", "2026-11-02 08:00", client_app_used="Mobile Apps and Desktop clients"),
            sign_in("cleo", "2026-11-02 08:00", client_app_used=None),
            sign_in("dora", "2026-11-02 08:00", client_app_used="Browser"),
        ]
    )
    (found,) = rows_of(ask(con, "legacy_clients"))
    assert (found["client"], found["attempts"], found["succeeded"]) == ("IMAP4", 2, 1)


def test_consents_to_apps(lake_of: OpenLake) -> None:
    """The app, who granted, the scopes out of Entra's text, and whether for everybody."""
    text = '"[] => [[Id: a, ConsentType: AllPrincipals, Scope:  User.Read Mail.Read, X: y]]; "'
    changes = [
        {"display_name": "ConsentContext.IsAdminConsent", "new_value": '"True"'},
        {"display_name": "ConsentAction.Permissions", "new_value": text},
    ]
    app = {"type": "ServicePrincipal", "display_name": "Contract Reader"}
    bare = {"type": "ServicePrincipal", "display_name": "Old App", "modified_properties": None}
    con = lake_of(
        directory_audits=[
            audit(
                "Consent to application",
                "2026-11-02 08:00",
                target_resources=[{**app, "modified_properties": changes}],
            ),
            audit("Consent to application", "2026-11-02 07:00", target_resources=[bare]),
            audit("Update user", "2026-11-02 08:00"),
        ]
    )
    first, second = rows_of(ask(con, "consents_to_apps"))
    assert (first["app"], first["permissions"]) == ("Contract Reader", "User.Read Mail.Read")
    assert first["for_everybody"] is True
    assert (second["app"], second["permissions"]) == ("Old App", None)


def test_role_changes(lake_of: OpenLake) -> None:
    """The role is read from what changed, whether given or taken, or from a target."""
    anna = {"type": "User", "user_principal_name": "anna@example.com"}
    given = [{"display_name": "Role.DisplayName", "old_value": None, "new_value": '"Reader"'}]
    taken = [{"display_name": "Role.DisplayName", "old_value": '"Reader"', "new_value": '""'}]
    role = {"type": "Role", "display_name": "Global Administrator"}
    con = lake_of(
        directory_audits=[
            audit(
                "Add member to role",
                "2026-11-02 10:00",
                category="RoleManagement",
                target_resources=[{**anna, "modified_properties": given}],
            ),
            audit(
                "Remove member from role",
                "2026-11-02 09:00",
                category="RoleManagement",
                target_resources=[{**anna, "modified_properties": taken}],
            ),
            audit(
                "Add member to role completed (PIM activation)",
                "2026-11-02 08:00",
                category="RoleManagement",
                target_resources=[role, anna],
            ),
            audit("Add member to group", "2026-11-02 08:00", category="GroupManagement"),
        ]
    )
    found = rows_of(ask(con, "role_changes"))
    assert [row["role"] for row in found] == ["Reader", "Reader", "Global Administrator"]
    assert {row["member"] for row in found} == {"anna@example.com"}


def test_dormant_accounts(lake_of: OpenLake) -> None:
    """No success for dormant_days, or made and never used; deleted accounts are left out."""

    def target(user: str) -> Rows:
        return [
            {
                "id": sign_in(user, "2026-11-01 00:00")["user_id"],
                "type": "User",
                "user_principal_name": f"{user}@example.com",
            }
        ]

    con = lake_of(
        sign_ins=[
            sign_in("anna", "2026-11-20 08:00"),
            sign_in("ben", "2026-11-01 08:00"),
            sign_in("ben", "2026-11-19 08:00", status_error_code=50126),
            sign_in("fred", "2026-11-01 08:00"),
            sign_in("gina", "2026-11-19 08:00", status_error_code=50126),
        ],
        directory_audits=[
            audit("Add user", "2026-11-02 08:00", target_resources=target("dora")),
            audit("Add user", "2026-11-19 08:00", target_resources=target("emil")),
            audit("Delete user", "2026-11-03 08:00", target_resources=target("fred")),
        ],
    )
    found = rows_of(ask(con, "dormant_accounts"))
    assert [(row["user_principal_name"], row["days"], row["failures"]) for row in found] == [
        ("gina@example.com", None, 1),
        ("ben@example.com", 19, 1),
        ("dora@example.com", 18, 0),
    ]


def test_service_principals_that_fail(lake_of: OpenLake) -> None:
    """Failed sign-ins of service principals and failed changes by them, with the last reason."""
    sync = {
        "initiated_by_user_user_principal_name": None,
        "initiated_by_app_display_name": "HR Sync",
        "initiated_by_app_service_principal_id": "sp-1",
    }
    con = lake_of(
        directory_audits=[
            audit(
                "Update user", "2026-11-02 08:00", **sync, result="failure", result_reason="Denied"
            ),
            audit(
                "Update user", "2026-11-02 09:00", **sync, result="failure", result_reason="Quota"
            ),
            audit("Update user", "2026-11-02 10:00", **sync),
        ],
        sign_ins=[
            sign_in(
                "robot",
                "2026-11-02 08:00",
                service_principal_id="sp-2",
                service_principal_name="Backup",
                status_error_code=7000222,
                status_failure_reason="The secret has expired",
            )
        ],
    )
    first, second = rows_of(ask(con, "service_principals_that_fail"))
    assert (first["service_principal"], first["failures"]) == ("HR Sync", 2)
    assert first["last_reason"] == "Quota"
    assert second["last_reason"] == "7000222 The secret has expired"


def test_first_answers_of_the_demo(lake_of: OpenLake) -> None:
    """Who signs in at night, failures by country, riskiest users: each with its rows."""
    con = lake_of(
        sign_ins=[
            sign_in("anna", "2026-11-02 23:00"),
            sign_in("ben", "2026-11-02 08:00", status_error_code=50126),
        ],
        risk_detections=[
            detection("ben", "2026-11-02 08:00"),
            detection("cleo", "2026-11-02 08:00", risk_level="high"),
        ],
    )
    night, failures, riskiest = first_answers(con)
    assert [row[0] for row in night.rows] == ["anna@example.com"]
    assert failures.rows[0][0] == "DE"
    assert [row[0] for row in riskiest.rows] == ["cleo@example.com", "ben@example.com"]


def test_every_table_of_the_catalogue_is_open(lake_of: OpenLake) -> None:
    """An API that is added to the catalogue has its table in DuckDB without another edit."""
    open_ = {row["name"] for row in view(lake_of(), "SHOW TABLES")}
    assert set(CATALOGUE) <= open_


def test_an_unknown_question_is_refused(lake_of: OpenLake) -> None:
    """A misspelt question names those there are."""
    with pytest.raises(Refused, match="who_works_late"):
        ask(lake_of(), "who_works_early")
