"""Graph's workloads, each with the budget that all its collections share.

Source: Microsoft Graph, "Microsoft Graph service-specific throttling limits".
"""

from include.entra_logs.api import Budget, Workload

AUDIT_LOGS = Workload(Budget(requests=5, seconds=10), pool="entra_audit_logs")
"""Identity and access reports, per app and tenant."""
IDENTITY_PROTECTION = Workload(Budget(requests=1, seconds=1), pool="entra_identity_protection")
"""Identity protection, per tenant whichever app asks."""
