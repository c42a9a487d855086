"""A lake written by hand, row by row: its answers are known."""

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pyarrow as pa
import pyarrow.parquet as pq

from include.entra_logs.api import Api, partition_start
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.schema import column_name, table_schema

TENANT = "6b1e8a52-0d4f-4c7b-9a55-0f3a1c2d4e5f"
NAMES = UUID("00000000-0000-0000-0000-00000000abcd")

Row = dict[str, Any]


def at(text: str) -> datetime:
    """`2026-11-02 08:00` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def write_rows(lake: Path, name: str, rows: list[Row], tenant: str = TENANT) -> None:
    """Publish rows (by column; what is missing is null), each in the partition of its time."""
    api = CATALOGUE[name]
    partitions: dict[datetime, list[Row]] = defaultdict(list)
    for number, row in enumerate(rows):
        event_at = row[column_name(api.table.event_time)]
        partitions[partition_start(event_at)].append({"id": f"{name}-{number}", **row})
    for start, members in partitions.items():
        file = lake / "tables" / name / f"tenant_id={tenant}" / f"date={start:%Y-%m-%d}"
        file = file / f"hour={start:%H}" / "events.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(_table(api, members), file)


def _table(api: Api, rows: list[Row]) -> pa.Table:
    schema = table_schema(api.table)
    unknown = {column for row in rows for column in row} - set(schema.names)
    assert not unknown, f"no such columns: {unknown}"
    return pa.Table.from_pylist(rows, schema=schema)


def sign_in(user: str, when: str, **columns: Any) -> Row:
    """A success of `user` from the office in Hamburg, but for what `columns` says."""
    return {
        "created_date_time": at(when),
        "user_id": str(uuid5(NAMES, user)),
        "user_principal_name": f"{user}@example.com",
        "user_display_name": user.title(),
        "app_display_name": "Office 365",
        "client_app_used": "Browser",
        "ip_address": "192.0.2.1",
        "is_interactive": True,
        "status_error_code": 0,
        "location_city": "Hamburg",
        "location_country_or_region": "DE",
        "location_geo_coordinates_latitude": 53.55,
        "location_geo_coordinates_longitude": 9.99,
        "risk_level_during_sign_in": "none",
        "risk_level_aggregated": "none",
        "risk_state": "none",
        "applied_conditional_access_policies": [],
        **columns,
    }


def audit(activity: str, when: str, **columns: Any) -> Row:
    """An audit by the administrator, a success without targets, but for what `columns` says."""
    return {
        "activity_date_time": at(when),
        "activity_display_name": activity,
        "category": "UserManagement",
        "result": "success",
        "initiated_by_user_user_principal_name": "admin@example.com",
        "target_resources": [],
        **columns,
    }


def detection(user: str, when: str, **columns: Any) -> Row:
    """A medium risk of `user` that is open, but for what `columns` says."""
    return {
        "detected_date_time": at(when),
        "last_updated_date_time": at(when),
        "user_id": str(uuid5(NAMES, user)),
        "user_principal_name": f"{user}@example.com",
        "user_display_name": user.title(),
        "risk_event_type": "unfamiliarFeatures",
        "risk_level": "medium",
        "risk_state": "atRisk",
        "risk_detail": "none",
        **columns,
    }
