"""Every ENTRA_ variable: its default, what it means, what it may be.

`load_settings` is called inside tasks and commands, never while `dags/` is parsed.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from include.entra_logs.api import Api
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Refused
from include.entra_logs.start import parse_start

PREFIX = "ENTRA_"
ROOT = Path(__file__).parents[2]
"""The project root: the folder that holds `dags/`."""
DEFAULT_RETENTION_DAYS = 30
_SHOWN = 100
"""Characters of a refused value that its message shows."""

Days = Annotated[int, Field(ge=1, le=36_500)]


class Settings(BaseSettings):
    """The settings of this process, checked."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    lake_url: str = Field(
        default_factory=(ROOT / "lake").as_uri,
        description="Where the lake lies.",
        json_schema_extra={
            "allowed": "`file:///<folder>` (one machine) or "
            "`abfs://<airflow connection id>@<container>/<prefix>`",
            "shown_default": "the folder `lake/` beside `dags/`",
        },
    )
    graph_conn_id: str = Field(
        default="msgraph_default",
        pattern=r"^[\w.-]+$",
        description="The Airflow connection, of type `msgraph`, that Graph is read with.",
        json_schema_extra={"allowed": "the id of a connection: letters, digits, `_`, `.`, `-`"},
    )
    start: datetime | None = Field(
        default=None,
        description="The first interval that is scheduled on its own; unset, only manual runs and "
        "backfills happen. Moved to an earlier date it has no effect on what has begun: backfill.",
        json_schema_extra={
            "allowed": "an ISO date or time, UTC unless it has an offset: `2026-11-22`, "
            "`2026-11-22T06:00:00Z`",
            "shown_default": "unset",
        },
    )
    retention_days: Annotated[dict[str, Days], NoDecode] = Field(
        default_factory=dict,
        description="How many days Graph keeps the events of each API. A window older than that "
        "is still asked for, and recorded as past retention.",
        json_schema_extra={
            "allowed": "days for all (`30`), or by API (`sign_ins=30,risk_detections=90`)",
            "shown_default": str(DEFAULT_RETENTION_DAYS),
        },
    )
    raw_retention_days: Days | None = Field(
        default=None,
        description="Days after which upkeep deletes raw answers that tables no longer need.",
        json_schema_extra={"allowed": "whole days, at least 1", "shown_default": "unset: keep"},
    )
    table_retention_days: Days | None = Field(
        default=None,
        description="Days after which upkeep deletes partitions of the tables.",
        json_schema_extra={"allowed": "whole days, at least 1", "shown_default": "unset: keep"},
    )

    alerts_conn_id: str | None = Field(
        default=None,
        pattern=r"^[\w.-]+$",
        description="The Airflow connection that alerts go through; its type says how: `smtp` "
        "(mail), `slackwebhook` (Slack), `http` (a workflow of Teams).",
        json_schema_extra={
            "allowed": "the id of a connection: letters, digits, `_`, `.`, `-`",
            "shown_default": "unset: silent",
        },
    )

    @field_validator("lake_url")
    @classmethod
    def _is_a_lake(cls, url: str) -> str:
        scheme, _, rest = url.partition("://")
        connection, at, container = rest.partition("/")[0].partition("@")
        local = scheme == "file" and rest.startswith("/") and rest.strip("/")
        azure = scheme == "abfs" and connection and at and container
        if not (local or azure):
            raise ValueError("not the address of a lake")
        return url.rstrip("/")

    @field_validator("start", mode="before")
    @classmethod
    def _is_a_moment(cls, value: Any) -> Any:
        return parse_start(value) if isinstance(value, str) else value

    @field_validator("retention_days", mode="before")
    @classmethod
    def _is_days_by_api(cls, value: Any) -> Any:
        return _days_by_api(value) if isinstance(value, str) else value

    @property
    def raw_retention(self) -> timedelta | None:
        """How long raw answers are kept; None keeps them."""
        return None if self.raw_retention_days is None else timedelta(self.raw_retention_days)

    @property
    def table_retention(self) -> timedelta | None:
        """How long partitions of the tables are kept; None keeps them."""
        return None if self.table_retention_days is None else timedelta(self.table_retention_days)

    def retention(self, api: Api) -> timedelta:
        """How long Graph keeps the events of `api`."""
        return timedelta(days=self.retention_days.get(api.name, DEFAULT_RETENTION_DAYS))


def load_settings() -> Settings:
    """The settings of the environment.

    Raises Refused with the name of a setting that is malformed, what it was, what it may be.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise Refused("; ".join(_told(dict(fault)) for fault in error.errors())) from None


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """The ENTRA_ variables of `environment` that are no setting, most likely misspelt."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def allowed(name: str) -> str:
    """What the setting `name` (without prefix) may be, in words."""
    return str(_extra(name)["allowed"])


def shown_default(name: str) -> str:
    """The default of the setting `name` (without prefix), in words."""
    return str(_extra(name).get("shown_default", Settings.model_fields[name].default))


def _extra(name: str) -> dict[str, Any]:
    extra = Settings.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return dict(extra)


def _told(fault: dict[str, Any]) -> str:
    """One sentence for one setting that pydantic refused."""
    name = str(fault["loc"][0])
    was = os.environ.get(f"{PREFIX}{name.upper()}", str(fault["input"]))
    was = was if len(was) <= _SHOWN else was[:_SHOWN] + "…"
    return f"{PREFIX}{name.upper()} was {was!r}; it may be {allowed(name)}"


def _days_by_api(text: str) -> dict[str, int]:
    """`30` for every API, or `name=days` pairs; ValueError for anything else."""
    if "=" not in text:
        return dict.fromkeys(CATALOGUE, int(text))
    days: dict[str, int] = {}
    for pair in text.split(","):
        name, _, number = (part.strip() for part in pair.partition("="))
        if name not in CATALOGUE or name in days:
            raise ValueError("unknown API, or one named twice")
        days[name] = int(number)
    return days


def start_text(settings: Settings) -> str:
    """ENTRA_START in words, for a summary."""
    if settings.start is None:
        return "unset: only manual runs and backfills"
    return settings.start.astimezone(UTC).isoformat(timespec="minutes")
