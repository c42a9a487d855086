"""Directory audits: what administrators, users and services change."""

import random
from dataclasses import dataclass

import numpy as np
import orjson

from include.graph_emulator.audit_activities import ACTIVITIES, Change
from include.graph_emulator.bucket import Bucket
from include.graph_emulator.company import Company, guid
from include.graph_emulator.office_hours import (
    bucket_width,
    draw_arrivals,
    draw_times,
    expected,
)
from include.graph_emulator.ticks import NEVER, to_text

_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ0123456789"
_PREFIX = {
    "Core Directory": "Directory",
    "Self-service Group Management": "SSGM",
    "Device Registration Service": "Device Registration Service",
    "Authentication Methods": "Authentication Methods",
    "PIM": "PIM",
    "Self-service Password Management": "SSPR",
    "Conditional Access": "IPCGraph",
}
_WEIGHTS = [activity.weight for activity in ACTIVITIES]


@dataclass(frozen=True)
class Audits:
    """The directory audits of one tenant; they never change once written (inferred)."""

    seed: int
    people: Company
    per_day: float
    lateness: str

    @property
    def width(self) -> int:
        """Ticks of a bucket."""
        return bucket_width(self.per_day)

    def bucket(self, number: int) -> Bucket:
        """The audits of one stretch."""
        tenant = int(self.people.tenant.replace("-", ""), 16)
        draw = np.random.default_rng([self.seed, tenant, 99, number])
        start = number * self.width
        count = int(draw.poisson(expected(self.per_day, start, self.width)))
        times = draw_times(draw, start, self.width, count)
        arrives = draw_arrivals(draw, times, self.lateness)
        seeds = draw.integers(0, 2**63, count)

        def name(row: int) -> str:
            return _begin(int(seeds[row]))[2]

        def render(row: int, _version: int, _beta: bool) -> bytes:  # noqa: FBT001  as in Bucket
            return _text(self.people, int(seeds[row]), int(times[row]))

        none = np.full(count, NEVER)
        return Bucket(times, arrives, none.reshape(-1, 1), none, render, name)


def _begin(seed: int) -> tuple[random.Random, int, str, str]:
    """The noise of an audit, its activity, its composite id (observed) and correlation id."""
    draw = random.Random(seed)
    kind = draw.choices(range(len(ACTIVITIES)), _WEIGHTS)[0]
    correlation = guid(draw)
    letters = "".join(draw.choices(_LETTERS, k=5))
    prefix = _PREFIX[ACTIVITIES[kind].service]
    number = draw.randrange(10**7, 10**8)
    return draw, kind, f"{prefix}_{correlation}_{letters}_{number}", correlation


def _text(people: Company, seed: int, at: int) -> bytes:
    """An audit as JSON, with every property that the v1.0 type `directoryAudit` declares."""
    draw, kind, name, correlation = _begin(seed)
    activity = ACTIVITIES[kind]
    change: Change = activity.make(people, draw)
    failed = draw.random() < 0.03
    event = {
        "id": name,
        "category": activity.category,
        "correlationId": correlation,
        "result": ("timeout" if draw.random() < 0.1 else "failure") if failed else "success",
        "resultReason": "Microsoft.Online.Workflows.SpnValidationException" if failed else "",
        "activityDisplayName": activity.name,
        "activityDateTime": to_text(at),
        "loggedByService": activity.service,
        "operationType": activity.operation,
        "initiatedBy": change.by,
        "targetResources": change.targets,
        "additionalDetails": change.details,
    }
    return orjson.dumps(event)
