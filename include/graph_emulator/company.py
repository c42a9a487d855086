"""A seeded, believable company of 2,000 people: offices, departments, devices, apps, policies.

Networks are the ranges reserved for benchmarks and documentation (RFC 2544, RFC 3849), the domain
is reserved too (RFC 2606): nothing here can be mistaken for somebody.
"""

import random
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

PEOPLE = 2000


def guid(draw: random.Random) -> str:
    """A random version 4 guid from `draw`."""
    return str(UUID(int=draw.getrandbits(128), version=4))


@dataclass(frozen=True, eq=False)
class Place:
    """Where somebody signs in from, as `signInLocation` has it."""

    city: str
    state: str
    country: str
    latitude: float
    longitude: float


@dataclass(frozen=True, eq=False)
class Office:
    """A site: its share of the company, its time zone, its places and its network."""

    place: Place
    zone: str
    share: float
    network: str
    names: str
    homes: tuple[Place, ...]


@dataclass(frozen=True, eq=False)
class Device:
    """A device as `deviceDetail` has it, with the user agent of its browser."""

    id: str
    name: str
    system: str
    browser: str
    trust: str
    compliant: bool
    managed: bool
    user_agent: str


@dataclass(frozen=True, eq=False)
class Person:
    """An employee, or a service account that signs in like one."""

    id: str
    name: str
    upn: str
    department: str
    office: int
    devices: tuple[Device, ...]
    phone: Device
    home: Place
    home_ip: str
    service: bool = False


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


@dataclass(frozen=True, eq=False)
class Company:
    """Everybody and everything that the events are about."""

    tenant: str
    domain: str
    offices: tuple[Office, ...]
    people: tuple[Person, ...]
    by_office: tuple[tuple[Person, ...], ...]
    services: tuple[Person, ...]
    admins: tuple[Person, ...]
    apps: tuple[App, ...]
    policies: tuple[Policy, ...]
    groups: tuple[tuple[str, str], ...]
    roles: tuple[tuple[str, str], ...]


OFFICES = (
    Office(
        Place("Portland", "Oregon", "US", 45.51520, -122.67840),
        "America/Los_Angeles",
        0.30,
        "198.18.1",
        "en",
        (
            Place("Beaverton", "Oregon", "US", 45.48710, -122.80370),
            Place("Vancouver", "Washington", "US", 45.63870, -122.66150),
        ),
    ),
    Office(
        Place("Leeds", "England", "GB", 53.80080, -1.54910),
        "Europe/London",
        0.16,
        "198.18.2",
        "en",
        (
            Place("Bradford", "England", "GB", 53.79600, -1.75940),
            Place("York", "England", "GB", 53.96000, -1.08730),
        ),
    ),
    Office(
        Place("München", "Bayern", "DE", 48.13510, 11.58200),
        "Europe/Berlin",
        0.17,
        "198.18.3",
        "de",
        (
            Place("Augsburg", "Bayern", "DE", 48.37050, 10.89780),
            Place("Freising", "Bayern", "DE", 48.40290, 11.74120),
        ),
    ),
    Office(
        Place("Pune", "Maharashtra", "IN", 18.52040, 73.85670),
        "Asia/Kolkata",
        0.17,
        "198.18.4",
        "in",
        (Place("Mumbai", "Maharashtra", "IN", 19.07600, 72.87770),),
    ),
    Office(
        Place("São Paulo", "São Paulo", "BR", -23.55050, -46.63330),
        "America/Sao_Paulo",
        0.08,
        "198.18.5",
        "br",
        (Place("Campinas", "São Paulo", "BR", -22.90990, -47.06260),),
    ),
    Office(
        Place("Singapore", "", "SG", 1.35210, 103.81980),
        "Asia/Singapore",
        0.07,
        "198.18.6",
        "in",
        (Place("Singapore", "", "SG", 1.30040, 103.85400),),
    ),
    Office(
        Place("Melbourne", "Victoria", "AU", -37.81360, 144.96310),
        "Australia/Melbourne",
        0.05,
        "198.18.7",
        "en",
        (Place("Geelong", "Victoria", "AU", -38.14990, 144.36170),),
    ),
)
_FIRST = {
    "en": "Olivia Amelia Isla Ava Ivy Grace Freya Lily Ella Ruby Noah Oliver George Arthur Leo "
    "Harry Oscar Jack Henry Alfie Nora Hazel Wyatt Ezra Caleb",
    "de": "Lena Mia Hannah Klara Greta Jörg Jürgen Matthias Björn Felix Anke Sabine Uwe Heike Nele",
    "in": "Aarav Vihaan Ananya Diya Ishaan Kavya Meera Rohan Saanvi Arjun Priya Nikhil Sneha Amit",
    "br": "João Maria Antônio Ana Lucas Beatriz Gabriel Letícia Rafael Camila Thiago Larissa",
}
_LAST = {
    "en": "Ashdown Barlow Calder Dunmore Ellwood Farrow Garside Hartwell Ibbotson Jessop Kirkby "
    "Lockwood Marsden Norcross Oakley Pickering Rushton Stansfield Thackray Whitlock O'Hara",
    "de": "Bachmeier Dorfner Eichinger Gruber Hölzl Käsbauer Lindner Moosmüller Pichler Rößler "
    "Schönauer Unterholzer Vogl Weidinger",
    "in": "Agarwal Bhatt Chavan Deshpande Gokhale Iyer Joshi Kulkarni Mehta Nair Patil Rao Shetty",
    "br": "Almeida Barbosa Cardoso Duarte Esteves Figueira Gonçalves Lacerda Moreira Nogueira",
}
_DEPARTMENTS = (
    ("Engineering", 30), ("Sales", 18), ("Support", 14), ("Manufacturing", 12), ("Finance", 8),
    ("Marketing", 6), ("People", 4), ("Legal", 3), ("IT", 5),
)  # fmt: skip
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
_HOUSE_APPS = ("Lakeside ERP", "Lakeside Time Sheets", "Lakeside CRM", 'Lakeside "Parts" Shop')
_POLICIES = (
    ("Require MFA for all users", ("Mfa",), ()),
    ("Block legacy authentication", ("Block",), ()),
    ("Require compliant device for finance", ("RequireCompliantDevice",), ()),
    ("Sign-in frequency on unmanaged devices", (), ("SignInFrequency",)),
)
_ROLES = (
    "Global Administrator", "User Administrator", "Security Administrator", "Helpdesk Administrator",
    "Application Administrator", "Exchange Administrator", "Global Reader", "Reports Reader",
)  # fmt: skip
_BROWSERS = (
    ("Edge 131.0.0", "Windows10",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"),
    ("Chrome 130.0.0", "Windows10",
     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/130.0.0.0 Safari/537.36"),
    ("Safari 18.1", "MacOs",
     "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/18.1 Safari/605.1.15"),
    ("Firefox 132.0", "Linux",
     "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"),
)  # fmt: skip
_PHONES = (
    ("Mobile Safari 18.1", "Ios 18.1",
     "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"),
    ("Chrome Mobile 130.0.0", "Android 15",
     "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36"),
)  # fmt: skip


def _plain(name: str) -> str:
    """`name` as the login of a UPN: lower-case ASCII letters."""
    bare = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore")
    return "".join(letter for letter in bare.decode().lower() if letter.isalpha())


def _device(draw: random.Random, number: int, office: Office) -> Device:
    browser, system, agent = draw.choices(_BROWSERS, (6, 4, 2, 0.5))[0]
    managed = draw.random() < 0.85
    name = f"{office.place.country}-{'LT' if managed else 'BYO'}-{number:05d}"
    trust = draw.choice(("Azure AD joined", "Hybrid Azure AD joined")) if managed else ""
    return Device(
        guid(draw) if managed else "", name if managed else "", system, browser,
        trust, managed and draw.random() < 0.95, managed, agent,
    )  # fmt: skip


def _phone(draw: random.Random) -> Device:
    browser, system, agent = draw.choice(_PHONES)
    enrolled = draw.random() < 0.5
    trust = "Azure AD registered" if enrolled else ""
    return Device(
        guid(draw) if enrolled else "", "", system, browser, trust, enrolled, enrolled, agent
    )


def _person(draw: random.Random, number: int, taken: set[str], domain: str) -> Person:
    office = draw.choices(range(len(OFFICES)), [o.share for o in OFFICES])[0]
    site = OFFICES[office]
    first = draw.choice(_FIRST[site.names].split())
    last = draw.choice(_LAST[site.names].split())
    stem = f"{_plain(first)}.{_plain(last)}"
    login = stem if stem not in taken else f"{stem}{number}"
    taken.add(login)
    return Person(
        id=guid(draw),
        name=f"{first} {last}",
        upn=f"{login}@{domain}",  # always lower case (documented)
        department=draw.choices(*zip(*_DEPARTMENTS, strict=True))[0],
        office=office,
        devices=tuple(_device(draw, number, site) for _ in range(draw.choice((1, 1, 1, 2)))),
        phone=_phone(draw),
        home=draw.choice(site.homes),
        home_ip=f"2001:db8:{office:x}:{number:x}::{draw.randrange(2, 64):x}"
        if draw.random() < 0.3
        else f"198.19.{number // 250}.{number % 250 + 2}",
    )


def _service(draw: random.Random, name: str, domain: str) -> Person:
    machine = Device("", "", "", "", "", False, False, "BAV2ROPC")
    return Person(
        guid(draw), f"Service {name}", f"svc-{name}@{domain}", "IT", 0, (machine,), machine,
        OFFICES[0].place, "198.18.1.9", service=True,
    )  # fmt: skip


@lru_cache(maxsize=8)
def company(seed: int, tenant: str, domain: str) -> Company:
    """The company of `seed` in `tenant`; the same arguments give the same company."""
    draw = random.Random(f"{seed} {tenant} company")
    taken: set[str] = set()
    people = tuple(_person(draw, number, taken, domain) for number in range(PEOPLE))
    services = ("scanner", "backup", "erp-mail", "monitoring", "ci", "meeting-rooms")
    house = tuple(App(guid(draw), name, guid(draw), name, 2.5) for name in _HOUSE_APPS)
    groups = [f"{d} {kind}" for d, _ in _DEPARTMENTS for kind in ("all", "leads", "projects")]
    return Company(
        tenant=tenant,
        domain=domain,
        offices=OFFICES,
        people=people,
        by_office=tuple(
            tuple(p for p in people if p.office == number) for number in range(len(OFFICES))
        ),
        services=tuple(_service(draw, name, domain) for name in services),
        admins=tuple(p for p in people if p.department == "IT")[:12],
        apps=APPS + house,
        policies=tuple(Policy(guid(draw), *policy) for policy in _POLICIES),
        groups=tuple((guid(draw), name) for name in groups),
        roles=tuple((guid(draw), name) for name in _ROLES),
    )
