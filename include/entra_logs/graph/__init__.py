"""Everything that speaks to Microsoft Graph: a client that never loses a page, or says so.

client       the `Source`: authenticate, read          reading      all pages of a window, by slices
connection   the fields of an Airflow connection       clouds       which hosts belong together
identity     tokens, the tenant, the certificate       login_errors what AADSTS codes mean
asking       one page, whatever happens on the way     answers      what one answer means
query        what is asked, which links are followed   headers      dates, and how long to wait
body         an answer's bytes, inflated and bounded   trail        what a chain of pages brought
slices       how a window is cut                       plan         the slices, tiling when saved
network      TLS, proxies, whose fault a failure is    pacing       within the budget
login        the login host's answers, bounded         limits       how much effort a read is worth
faults       what a read mends by itself
"""

from include.entra_logs.graph.client import GraphClient
from include.entra_logs.graph.connection import GraphConnection, from_fields
from include.entra_logs.graph.limits import Limits

__all__ = ["GraphClient", "GraphConnection", "Limits", "from_fields"]
