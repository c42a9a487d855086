"""The three collections: their names, times, page sizes, permissions and supported filters."""

from dataclasses import dataclass

from include.graph_emulator import ticks
from include.graph_emulator.settings import AUDITS, RISKS, SIGN_INS


@dataclass(frozen=True, eq=False)
class Collection:
    """One collection of Graph, and what it lets a client do."""

    name: str
    path: str
    event_time: str
    times: dict[str, tuple[int, int]]
    """Properties of time, and how far before and after the event time they lie, in ticks."""
    default_top: int
    max_top: int
    permission: str
    workload: str
    """Which throttling limit applies."""
    needs_licence: bool
    filters: dict[str, tuple[str, ...]]
    """Property -> operators (`eq`, `order`, `startswith`, `any`); empty: everything."""
    inclusive_gt: bool = False
    """`gt` and `lt` return rows equal to the bound (observed on riskDetections, 2021)."""
    strict_options: bool = True
    """`$select`, `$skip` and `$count` are refused."""
    updated_time: str | None = None

    @property
    def any_operator(self) -> bool:
        """No list of supported operators is documented, so all are taken."""
        return not self.filters

    def allows(self, name: str, operator: str) -> bool:
        """Whether `$filter` supports `operator` on the property (documented per property)."""
        return not self.filters or operator in self.filters.get(name, ())

    def context(self, version: str) -> str:
        """The fragment of `@odata.context`."""
        return f"https://graph.microsoft.com/{version}/$metadata#{self.path}"


_EQ = ("eq",)
_TEXT = ("eq", "startswith")
_AUDIT_TEXT = ("eq", "startswith")

COLLECTIONS = (
    Collection(
        name=SIGN_INS,
        path="auditLogs/signIns",
        event_time="createdDateTime",
        times={"createdDateTime": (0, 0)},
        default_top=1000,  # documented: both default and maximum
        max_top=1000,
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
    ),
    Collection(
        name=AUDITS,
        path="auditLogs/directoryAudits",
        event_time="activityDateTime",
        times={"activityDateTime": (0, 0)},
        default_top=1000,  # not documented; observed next links count in thousands
        max_top=1000,
        permission="AuditLog.Read.All",
        workload="audit",
        needs_licence=False,  # observed: audits work in a tenant without premium licence
        filters={
            "activityDateTime": ("eq", "order"),
            "activityDisplayName": _AUDIT_TEXT,
            "loggedByService": _EQ,
            "correlationId": _EQ,
            "initiatedBy/user/id": _EQ,
            "initiatedBy/user/displayName": _EQ,
            "initiatedBy/user/userPrincipalName": _AUDIT_TEXT,
            "initiatedBy/app/appId": _EQ,
            "initiatedBy/app/displayName": _EQ,
            "targetResources": ("any",),
        },
    ),
    Collection(
        name=RISKS,
        path="identityProtection/riskDetections",
        event_time="detectedDateTime",
        times={
            "detectedDateTime": (0, 0),
            "activityDateTime": (10 * ticks.DAY, ticks.DAY),
            "lastUpdatedDateTime": (ticks.HOUR, 31 * ticks.DAY),
        },
        default_top=20,  # documented: default 20, maximum 500
        max_top=500,
        permission="IdentityRiskEvent.Read.All",
        workload="identityProtection",
        needs_licence=True,
        filters={},
        inclusive_gt=True,
        strict_options=False,
        updated_time="lastUpdatedDateTime",
    ),
)  # fmt: skip
BY_NAME = {collection.name: collection for collection in COLLECTIONS}
BY_PATH = {collection.path.lower(): collection for collection in COLLECTIONS}
