"""Changes in the directory: `GET /auditLogs/directoryAudits`, v1.0.

The page size is not documented; clients use 1,000 and Graph's own next links count in thousands.
"""

from datetime import timedelta

from include.entra_logs.api import Api, Sweep
from include.entra_logs.table import Table
from include.entra_logs.workloads import AUDIT_LOGS

DIRECTORY_AUDITS = Api(
    Table(
        name="directory_audits",
        title="Directory audits",
        entity="directoryAudit",
        event_time="activityDateTime",
    ),
    path="auditLogs/directoryAudits",
    workload=AUDIT_LOGS,
    page_size=1000,
    permission="AuditLog.Read.All",
    licence=None,
    sweeps=(Sweep("6h", timedelta(hours=6)), Sweep("3d", timedelta(days=3))),
)
