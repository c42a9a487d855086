"""Risk detections, which change for weeks."""

from include.graph_emulator import ticks
from include.graph_emulator.bucket import Source
from include.graph_emulator.collection import Collection
from include.graph_emulator.company import Company
from include.graph_emulator.risks import Risks
from include.graph_emulator.settings import Settings


def generate(settings: Settings, people: Company, _kind: str) -> Source:
    """The detections of the company's incidents."""
    return Risks(settings.seed, people, settings.risks_a_day, settings.lateness)


RISK_DETECTIONS = Collection(
    name="risk_detections",
    path="identityProtection/riskDetections",
    beta_path="riskDetections",  # documented: beta has it at its root too
    event_time="detectedDateTime",
    other_times={
        "activityDateTime": (10 * ticks.DAY, ticks.DAY),
        "lastUpdatedDateTime": (ticks.HOUR, 31 * ticks.DAY),
    },
    updated_time="lastUpdatedDateTime",
    default_top=20,  # documented: default 20, maximum 500
    max_top=500,
    permission="IdentityRiskEvent.Read.All",
    workload="identityProtection",
    needs_licence=True,
    inclusive_gt=True,  # observed, 2021
    strict_options=False,
    generator=generate,
)
