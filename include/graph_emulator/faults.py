"""The plan of faults: what goes wrong, at which request or page, how often."""

import random
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal[
    "throttled", "server_error", "reset", "truncated", "cut_json", "html", "error_mid_body",
    "expired_token", "forbidden", "not_premium", "invalid_filter", "dead_skiptoken", "hang",
    "slow", "trickle", "duplicates", "conflicting_duplicates", "empty_page", "foreign_next_link",
    "looping_next_link", "empty_next_link", "short_answer", "empty_body", "invalid_utf8",
    "value_missing", "value_null", "value_not_list", "event_without_id", "event_without_time",
    "event_not_object", "huge_body",
]  # fmt: skip


class Fault(BaseModel):
    """One line of a plan. Without `request`, `page` and `probability` it hits the next request."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Kind
    api: str | None = None
    """Table name of the API, or `token` for the token endpoint; None is every collection."""
    request: int | None = None
    """Hits from the so-maniest request of the API on, counted from 1 since the plan was set."""
    page: Literal["first", "middle", "last"] | int | None = None
    """Position in its chain of pages, or its number from 1. A single page is first and last."""
    probability: float | None = Field(default=None, ge=0, le=1)
    times: int = Field(default=1, ge=0)
    """How often it hits; 0 is always."""

    status: int = 503
    """server_error: which."""
    retry_after: float | None = None
    """throttled, server_error: seconds in Retry-After; None sends none."""
    retry_after_form: Literal["seconds", "decimal", "date"] = "decimal"
    seconds: float | None = None
    """hang: None is for ever. slow: before the answer. trickle: over which the body is sent."""
    wider_than: float | None = None
    """Hits only windows wider than so many seconds."""
    rows: int = Field(default=3, ge=1)
    """duplicates, conflicting_duplicates: how many."""
    host: str = "127.0.0.1:9"
    """foreign_next_link: host and port."""
    scheme: str = "https"
    span: int = Field(default=1, ge=1)
    """looping_next_link: 1 is a link to itself, 3 a loop of three pages."""
    form: Literal["lost", "null", "no_code"] = "lost"
    """dead_skiptoken: which of the observed errors."""
    megabytes: int = 200
    """huge_body: size of the padding."""


@dataclass(frozen=True)
class Occasion:
    """A request that a fault may hit."""

    api: str
    position: str = "only"
    """`first`, `middle`, `last` or `only`."""
    page: int = 1
    wide: float = 0.0
    """Width of its window in seconds."""
    has_token: bool = False


@dataclass
class Plan:
    """The faults still to come."""

    faults: list[Fault] = field(default_factory=list)
    seed: int = 0
    hits: list[int] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    _draw: random.Random = field(default_factory=lambda: random.Random(0))

    def __post_init__(self) -> None:
        self.hits = [0] * len(self.faults)
        self._draw = random.Random(self.seed)

    def next(self, occasion: Occasion) -> Fault | None:
        """The first fault that hits, which then counts as having hit once more."""
        number = self.seen[occasion.api] = self.seen.get(occasion.api, 0) + 1
        for place, fault in enumerate(self.faults):
            if (not fault.times or self.hits[place] < fault.times) and self._fits(
                fault, occasion, number
            ):
                self.hits[place] += 1
                return fault
        return None

    def _fits(self, fault: Fault, occasion: Occasion, number: int) -> bool:
        if fault.api not in (None, occasion.api) or (occasion.api == "token" and not fault.api):
            return False
        if fault.request is not None and number < fault.request:
            return False
        if fault.page is not None and not _at(fault.page, occasion):
            return False
        if fault.kind == "dead_skiptoken" and not occasion.has_token:
            return False
        if fault.wider_than is not None and occasion.wide <= fault.wider_than:
            return False
        return fault.probability is None or self._draw.random() < fault.probability


def _at(page: str | int, occasion: Occasion) -> bool:
    if isinstance(page, int):
        return occasion.page == page
    return page == occasion.position or (occasion.position == "only" and page != "middle")
