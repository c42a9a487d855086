"""Everything that speaks to Microsoft Graph: a client that never loses a page, or says so."""

from include.entra_logs.graph.client import Access, GraphClient
from include.entra_logs.graph.connection import GraphConnection, from_fields
from include.entra_logs.graph.limits import Limits

__all__ = ["Access", "GraphClient", "GraphConnection", "Limits", "from_fields"]
