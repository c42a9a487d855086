"""Risky sign-ins: `GET /identityProtection/riskDetections`, v1.0, successor of identityRiskEvents.

Default page 20, maximum 500 (Microsoft Graph, "List riskDetections"). Offline detections surface up
to 48 hours after the activity, so the window is of `detectedDateTime`; a detection's state changes
for weeks, so changes are read by `lastUpdatedDateTime` as well. 429 comes without Retry-After.
"""

from datetime import timedelta

from include.entra_logs.api import Api, Sweep
from include.entra_logs.table import Table
from include.entra_logs.workloads import IDENTITY_PROTECTION

RISK_DETECTIONS = Api(
    Table(
        name="risk_detections",
        title="Risk detections",
        entity="riskDetection",
        event_time="detectedDateTime",
        updated_time="lastUpdatedDateTime",
    ),
    path="identityProtection/riskDetections",
    workload=IDENTITY_PROTECTION,
    page_size=500,
    permission="IdentityRiskEvent.Read.All",
    licence="Microsoft Entra ID P1 or P2",
    sweeps=(Sweep("3d", timedelta(days=3)),),
)
