"""A seeded, believable company of 2,000 people: offices, departments, devices, apps, policies.

Networks are the ranges reserved for benchmarks and documentation (RFC 2544, RFC 3849), the domain
is reserved too (RFC 2606): nothing here can be mistaken for somebody.
"""

import random
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from include.graph_emulator.sites import OFFICES, Office, Place
from include.graph_emulator.software import (
    APPS,
    BROWSERS,
    HOUSE_APPS,
    PHONES,
    POLICIES,
    App,
    Policy,
)

PEOPLE = 2000


def guid(draw: random.Random) -> str:
    """A random version 4 guid from `draw`."""
    return str(UUID(int=draw.getrandbits(128), version=4))


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
_ROLES = (
    "Global Administrator",
    "User Administrator",
    "Security Administrator",
    "Helpdesk Administrator",
    "Application Administrator",
    "Exchange Administrator",
    "Global Reader",
    "Reports Reader",
)


def _plain(name: str) -> str:
    """`name` as the login of a UPN: lower-case ASCII letters."""
    bare = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore")
    return "".join(letter for letter in bare.decode().lower() if letter.isalpha())


def _device(draw: random.Random, number: int, office: Office) -> Device:
    browser, system, agent = draw.choices(BROWSERS, (6, 4, 2, 0.5))[0]
    managed = draw.random() < 0.85
    name = f"{office.place.country}-{'LT' if managed else 'BYO'}-{number:05d}"
    trust = draw.choice(("Azure AD joined", "Hybrid Azure AD joined")) if managed else ""
    return Device(
        guid(draw) if managed else "", name if managed else "", system, browser,
        trust, managed and draw.random() < 0.95, managed, agent,
    )  # fmt: skip


def _phone(draw: random.Random) -> Device:
    browser, system, agent = draw.choice(PHONES)
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
    house = tuple(App(guid(draw), name, guid(draw), name, 2.5) for name in HOUSE_APPS)
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
        policies=tuple(Policy(guid(draw), *policy) for policy in POLICIES),
        groups=tuple((guid(draw), name) for name in groups),
        roles=tuple((guid(draw), name) for name in _ROLES),
    )
