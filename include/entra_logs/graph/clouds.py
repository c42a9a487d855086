"""The national clouds: which Graph, which login host and which scope belong together.

Source: Microsoft Graph, "National cloud deployments". A token of one cloud is worth nothing in
another, so the three are never mixed.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from include.entra_logs.errors import Refused


@dataclass(frozen=True)
class Cloud:
    """One deployment of Microsoft's cloud."""

    name: str
    """Of the connection's extra `cloud_environment`, as the provider's connections spell it."""
    graph: str
    login: str

    @property
    def scope(self) -> str:
        """What a token for this cloud's Graph is asked for."""
        return f"{self.graph}/.default"


GLOBAL = Cloud(
    "AzurePublicCloud", "https://graph.microsoft.com", "https://login.microsoftonline.com"
)
CLOUDS = (
    GLOBAL,
    Cloud("AzureUSGovernment", "https://graph.microsoft.us", "https://login.microsoftonline.us"),
    Cloud(
        "AzureUSGovernmentDoD",
        "https://dod-graph.microsoft.us",
        "https://login.microsoftonline.us",
    ),
    Cloud(
        "AzureChinaCloud",
        "https://microsoftgraph.chinacloudapi.cn",
        "https://login.chinacloudapi.cn",
    ),
)


def cloud_named(name: str) -> Cloud:
    """The cloud of that name, case ignored; Refused with the known names otherwise."""
    for cloud in CLOUDS:
        if cloud.name.lower() == name.strip().lower():
            return cloud
    known = ", ".join(cloud.name for cloud in CLOUDS)
    raise Refused(f"extra.cloud_environment of the connection is {name!r}; it may be {known}.")


def cloud_of(host: str) -> Cloud | None:
    """The cloud whose Graph host `host` (a URL) is, None for any other server."""
    name = urlsplit(host).hostname
    return next((cloud for cloud in CLOUDS if urlsplit(cloud.graph).hostname == name), None)
