"""Changes in the directory."""

from include.graph_emulator.audits import Audits
from include.graph_emulator.bucket import Source
from include.graph_emulator.collection import Collection
from include.graph_emulator.company import Company
from include.graph_emulator.settings import Settings


def generate(settings: Settings, people: Company, _kind: str) -> Source:
    """The changes that administrators, users and programs make."""
    return Audits(settings.seed, people, settings.audits_a_day, settings.lateness)


_EQ = ("eq",)
_TEXT = ("eq", "startswith")

DIRECTORY_AUDITS = Collection(
    name="directory_audits",
    path="auditLogs/directoryAudits",
    event_time="activityDateTime",
    max_top=1000,  # not documented; observed next links count in thousands
    permission="AuditLog.Read.All",
    workload="audit",
    # needs no licence (observed): audits work in a tenant without premium licence
    filters={
        "activityDateTime": ("eq", "order"),
        "activityDisplayName": _TEXT,
        "loggedByService": _EQ,
        "correlationId": _EQ,
        "initiatedBy/user/id": _EQ,
        "initiatedBy/user/displayName": _EQ,
        "initiatedBy/user/userPrincipalName": _TEXT,
        "initiatedBy/app/appId": _EQ,
        "initiatedBy/app/displayName": _EQ,
        "targetResources": ("any",),
    },
    tips=True,
    generator=generate,
)
