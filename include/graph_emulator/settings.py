"""Everything of the emulator that can be set, at its start and (but for the data) while it runs."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TENANT = "5e1a7c0d-3b52-4c8e-9f40-6d2b8a91c7e3"
DOMAIN = "lakeside.example"
CLIENT = "0f6b2a94-7d1e-4a63-8c55-b1e9d3f07a28"
SECRET = "emulator~secret.of.nobody"  # noqa: S105  a throw-away secret that opens nothing


_MOST_RISKS = 2000
"""Detections a day, unless asked for more: of people there are no more than that."""


class Tenant(BaseModel):
    """A directory that the login endpoint knows."""

    model_config = ConfigDict(extra="forbid")
    domains: list[str] = []
    licensed: bool = True
    """Has Microsoft Entra ID P1 or P2."""


class Application(BaseModel):
    """An app registration that the login endpoint knows."""

    model_config = ConfigDict(extra="forbid")
    secrets: list[str] = []
    expired_secrets: list[str] = []
    roles: list[str] | None = None
    """Application permissions with admin consent: the `roles` claim of its tokens. None: those of
    every collection."""


class Settings(BaseModel):
    """The emulator's settings; a change of unknown name or wrong type is refused."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    # clock and data (read at the start only)
    seed: int = 7
    now: str | None = None
    """Where the clock starts, ISO 8601; None is the real time."""
    speed: float = Field(default=1.0, ge=0)
    """How fast the clock runs: 1 is real time, 0 stands still."""
    sign_ins_per_day: float = Field(default=20_000, ge=0)
    """Interactive sign-ins on a working day."""
    audits_per_day: float | None = Field(default=None, ge=0)
    """None: a tenth of the sign-ins."""
    risks_per_day: float | None = Field(default=None, ge=0)
    """None: one for 200 sign-ins, at most 2,000."""
    lateness: Literal["usual", "none", "heavy"] = "usual"
    """How late events arrive: `none` at once, `usual` seconds to days, `heavy` a quarter late."""
    cache_mb: int = 256
    """Memory for rendered events; enough for a whole window makes it a fixed data set."""

    # who may read
    tenants: dict[str, Tenant] = {TENANT: Tenant(domains=[DOMAIN, "lakeside.onmicrosoft.com"])}
    applications: dict[str, Application] = {
        CLIENT: Application(secrets=[SECRET], expired_secrets=["emulator~expired"])
    }
    token_lifetime: float = 3599
    """Real seconds for which an access token is good."""

    # paging
    page_cap: int | None = None
    """At most so many rows a page, whatever `$top` asks: many pages from little data."""
    oversized_top: Literal["clamp", "reject"] = "clamp"
    paging: Literal["snapshot", "live"] = "snapshot"
    """`snapshot`: a chain of pages shows what was visible at its first page. `live`: each page
    shows what is visible now, so rows shift between pages."""
    null_next_link: bool = False
    """The last page says `"@odata.nextLink": null` instead of having none (observed)."""
    empty_last_page: bool = True
    """A full page always has a next link, so a multiple of the page size ends in an empty page."""
    gt_lt: Literal["works", "ignored"] = "works"
    """`gt`/`lt` on the time of audit logs are not documented; `ignored` returns everything."""
    refuse_options: list[str] = ["$select", "$skip", "$count"]
    """Refused on audit logs with 400."""

    # retention, throttling, speed
    retention_days: dict[str, float] = {}
    """How long a collection keeps its events; 30 days for those that are not named."""
    past_retention: Literal["error", "fewer"] = "error"
    throttling: bool = True
    time_scale: float = Field(default=1.0, gt=0)
    """Throttling windows (and `latency`) pass so many times faster than documented."""
    latency: float = 0.0
    """Seconds before each page of a collection, divided by `time_scale`."""
    slow_wider_than: float | None = None
    """Windows wider than so many seconds ..."""
    slow_seconds: float = 300.0
    """... wait so long before each page, like the service does for big queries (observed)."""
    gzip: bool = False
    """Compress pages for clients that accept it."""

    @property
    def risks_a_day(self) -> float:
        """Risk detections a day."""
        if self.risks_per_day is None:
            return min(self.sign_ins_per_day / 200, _MOST_RISKS)
        return self.risks_per_day

    @property
    def audits_a_day(self) -> float:
        """Changes in the directory on a working day."""
        return self.sign_ins_per_day / 10 if self.audits_per_day is None else self.audits_per_day

    def kept_days(self, collection: str) -> float:
        """How long the collection keeps its events (documented: 30 days with a licence)."""
        return self.retention_days.get(collection, 30)
