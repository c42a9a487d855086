"""Changes in the directory: `GET /auditLogs/directoryAudits`, v1.0.

The page size is not documented; clients use 1,000 and Graph's own next links count in thousands.
"""

from datetime import timedelta

from include.entra_logs.api import Api, Budget, Sweep

API = Api(
    name="directory_audits",
    title="Directory audits",
    path="auditLogs/directoryAudits",
    entity="directoryAudit",
    event_time="activityDateTime",
    budget=Budget(requests=5, seconds=10),
    pool="entra_audit_logs",
    page_size=1000,
    permission="AuditLog.Read.All",
    licence=None,
    sweeps=(Sweep("6h", timedelta(hours=6)), Sweep("3d", timedelta(days=3))),
)
