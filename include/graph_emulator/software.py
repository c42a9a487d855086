"""What the company uses: apps, conditional access policies, browsers and phones."""

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class App:
    """A client application and the resource that it asks for."""

    id: str
    name: str
    resource_id: str
    resource: str
    weight: float


@dataclass(frozen=True, eq=False)
class Policy:
    """A conditional access policy."""

    id: str
    name: str
    grants: tuple[str, ...]
    sessions: tuple[str, ...]


_GRAPH = ("00000003-0000-0000-c000-000000000000", "Microsoft Graph")
_EXCHANGE = ("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online")
_SHAREPOINT = ("00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online")
_MANAGEMENT = ("797f4846-ba00-4fd7-ba43-dac1f8f63013", "Windows Azure Service Management API")
_DIRECTORY = ("00000002-0000-0000-c000-000000000000", "Windows Azure Active Directory")
APPS = (
    App("1fec8e78-bce4-4aaf-ab1b-5451cc387264", "Microsoft Teams", *_GRAPH, 22),
    App("5d661950-3475-41cd-a2c3-d671a3162bc1", "Microsoft Outlook", *_EXCHANGE, 15),
    App("00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online", *_EXCHANGE, 12),
    App("00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online", *_SHAREPOINT, 10),
    App("ab9b8c07-8f02-4f72-87fa-80105867a763", "OneDrive SyncEngine", *_SHAREPOINT, 8),
    App("4765445b-32c6-49b0-83e6-1d93765276ca", "OfficeHome", *_GRAPH, 8),
    App("c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Azure Portal", *_MANAGEMENT, 3),
    App("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI", *_MANAGEMENT, 2),
    App("de8bc8b5-d9f9-48b1-a8ad-b748da725064", "Graph explorer", *_GRAPH, 0.5),
    App("29d9ed98-a469-4536-ade2-f981bc1d605e", "Microsoft Authentication Broker", *_DIRECTORY, 6),
)
HOUSE_APPS = ("Lakeside ERP", "Lakeside Time Sheets", "Lakeside CRM", 'Lakeside "Parts" Shop')
POLICIES = (
    ("Require MFA for all users", ("Mfa",), ()),
    ("Block legacy authentication", ("Block",), ()),
    ("Require compliant device for finance", ("RequireCompliantDevice",), ()),
    ("Sign-in frequency on unmanaged devices", (), ("SignInFrequency",)),
)
BROWSERS = (
    ("Edge 131.0.0", "Windows10",
     ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0")),
    ("Chrome 130.0.0", "Windows10",
     ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/130.0.0.0 Safari/537.36")),
    ("Safari 18.1", "MacOs",
     ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/18.1 Safari/605.1.15")),
    ("Firefox 132.0", "Linux",
     "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"),
)  # fmt: skip
PHONES = (
    ("Mobile Safari 18.1", "Ios 18.1",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"),
    ("Chrome Mobile 130.0.0", "Android 15",
     "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36"),
)  # fmt: skip
