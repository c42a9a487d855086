"""Everything that speaks to Microsoft Graph: a client that never loses a page, or says so.

client       the `Source`: authenticate, read          reading      all pages of a window, by slices
connection   the fields of an Airflow connection       clouds       which hosts belong together
identity     tokens, the tenant, the certificate       login_errors what AADSTS codes mean
asking       one page, whatever happens on the way     answers      what one answer means
slices       how a window is cut, and the plan of it   pacing       within the budget
network      TLS, proxies, whose fault a failure is    limits       how much effort a read is worth
faults       what a read mends by itself
"""

from include.entra_logs.graph.client import GraphClient
from include.entra_logs.graph.connection import GraphConnection, from_fields
from include.entra_logs.graph.limits import Limits

__all__ = ["GraphClient", "GraphConnection", "Limits", "from_fields"]
