"""Sign-ins: interactive ones, and on beta those of three more kinds."""

from include.graph_emulator.bucket import Source
from include.graph_emulator.collection import Collection
from include.graph_emulator.company import Company
from include.graph_emulator.settings import Settings
from include.graph_emulator.sign_ins import KINDS, SignIns


def generate(settings: Settings, people: Company, kind: str) -> Source:
    """The sign-ins of one kind."""
    per_day, risks = settings.sign_ins_per_day, settings.risks_a_day
    return SignIns(settings.seed, people, per_day, risks, settings.lateness, kind)


_EQ = ("eq",)
_TEXT = ("eq", "startswith")

SIGN_INS = Collection(
    name="sign_ins",
    path="auditLogs/signIns",
    event_time="createdDateTime",
    max_top=1000,  # documented: both default and maximum
    permission="AuditLog.Read.All",
    workload="audit",
    needs_licence=True,
    filters={
        "createdDateTime": ("eq", "order"),
        **dict.fromkeys(
            ("id", "appId", "correlationId", "userId", "resourceId", "resourceDisplayName",
             "clientAppUsed", "conditionalAccessStatus", "riskDetail", "riskLevelAggregated",
             "riskLevelDuringSignIn", "riskState", "status/errorCode"),
            _EQ,
        ),
        **dict.fromkeys(
            ("userDisplayName", "userPrincipalName", "appDisplayName", "ipAddress",
             "location/city", "location/state", "location/countryOrRegion",
             "deviceDetail/browser", "deviceDetail/operatingSystem"),
            _TEXT,
        ),
        "riskEventTypes_v2": ("any",),
        "signInEventTypes": ("any",),
    },
    generator=generate,
    kind_property="signInEventTypes",
    kinds=KINDS,
)  # fmt: skip
