"""Sign-ins of users: `GET /auditLogs/signIns`, v1.0 (interactive and successful federated ones).

Page size 1,000 is both the default and the maximum (Microsoft Graph, "List signIns"). Rows arrive
minutes after the event, some later; a row can still change (risk state), and has no field that
says so, hence two sweeps.
"""

from datetime import timedelta

from include.entra_logs.api import Api, Sweep
from include.entra_logs.table import Table
from include.entra_logs.workloads import AUDIT_LOGS

SIGN_INS = Api(
    Table(
        name="sign_ins",
        title="Sign-ins",
        entity="signIn",
        event_time="createdDateTime",
    ),
    path="auditLogs/signIns",
    workload=AUDIT_LOGS,
    page_size=1000,
    permission="AuditLog.Read.All",
    licence="Microsoft Entra ID P1 or P2",
    sweeps=(Sweep("6h", timedelta(hours=6)), Sweep("3d", timedelta(days=3))),
)
