"""The JSON of one sign-in, with every property that the v1.0 type `signIn` declares.

Text is put together from pieces that were encoded once, since this is what limits how fast the
emulator makes events. The order of properties follows Microsoft's examples.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from include.graph_emulator.company import Company, Device, Person
from include.graph_emulator.outcomes import OUTCOMES
from include.graph_emulator.sign_in_parts import (
    NO_RISK,
    Risk,
    agent_text,
    app_text,
    authenticator_text,
    device_text,
    encode,
    outcome_text,
    person_text,
    place_text,
    policies_text,
    resource_text,
    risk_text,
)
from include.graph_emulator.sites import Place
from include.graph_emulator.software import App
from include.graph_emulator.ticks import to_text

_ORDINARY = (0,) * 184 + (50126,) * 6 + (50074,) * 3 + (50076,) * 2 + (
    500121, 50053, 50055, 53000, 53003)  # fmt: skip
_LEGACY = ("IMAP4", "POP3", "Authenticated SMTP", "Exchange ActiveSync", "Other clients")
_NO_AGENT = '"userAgent":null,'


class Circumstances(NamedTuple):
    """Everything that one sign-in tells."""

    id: str
    at: int
    correlation: str
    person: Person
    app: App
    ip: str
    place: Place
    device: Device
    client: str
    error: int
    risk: Risk
    noise: int


def guid_text(first: int, second: int) -> str:
    """A version 4 guid from two 63-bit integers."""
    a, b = f"{first:016x}", f"{second:016x}"
    return f"{a[:8]}-{a[8:12]}-4{a[13:]}-8{b[1:4]}-{b[4:]}"


@dataclass(frozen=True)
class SignInText:
    """Writes the sign-ins of one company and one kind."""

    people: Company
    kind: str

    def ordinary(self, at: int, office: int, noise: list[int], *, beta: bool) -> bytes:
        """An everyday sign-in: who, where and how follow from `noise` (63-bit integers)."""
        first, second, who, where, how, what, third, fourth = noise
        name = guid_text(first, second)[:-2] + "00"
        person = self._person(office, who)
        place, address = self._place(person, where)
        phone = how % 4 == 0
        device = person.phone if phone else person.devices[how // 4 % len(person.devices)]
        legacy = person.service or how % 97 == 0
        client = "Browser" if how // 8 % 8 < 5 else "Mobile Apps and Desktop clients"
        if legacy:
            client = _LEGACY[how % len(_LEGACY)]
        error = _ORDINARY[what % len(_ORDINARY)] if not (legacy and what % 3 == 0) else 53003
        return self.render(
            Circumstances(
                name, at, guid_text(third, fourth), person,
                self._app(what >> 16), address, place, device, client, error, NO_RISK,
                where >> 8,
            ),
            beta=beta,
        )  # fmt: skip

    def _person(self, office: int, noise: int) -> Person:
        if office >= len(self.people.by_office):
            return self.people.services[noise % len(self.people.services)]
        staff = self.people.by_office[office]
        return staff[int((noise / 2**63) ** 1.4 * len(staff))]

    def _place(self, person: Person, noise: int) -> tuple[Place, str]:
        office = self.people.offices[person.office]
        spot = noise % 100
        if spot < 70 or person.service:
            return office.place, f"{office.network}.{noise // 100 % 200 + 2}"
        if spot < 97:
            return person.home, person.home_ip
        other = self.people.offices[noise // 100 % len(self.people.offices)]
        return other.place, f"{other.network}.{noise // 1000 % 200 + 2}"

    def _app(self, noise: int) -> App:
        choice = _weighted(self.people)
        return choice[noise % len(choice)]

    def render(self, it: Circumstances, *, beta: bool) -> bytes:
        """The sign-in as JSON."""
        error, noise = it.error, it.noise
        legacy = it.client in _LEGACY
        status = OUTCOMES[error][2]
        if status == "success" and noise % 5 == 0:
            status = "notApplied"
        return (
            f'{{"id":"{it.id}","createdDateTime":"{to_text(it.at)}",{person_text(it.person)}'
            f'{app_text(it.app)}"ipAddress":"{it.ip}","clientAppUsed":"{it.client}",'
            f'"correlationId":"{it.correlation}","conditionalAccessStatus":"{status}",'
            f'"isInteractive":{"true" if self.kind == "interactiveUser" else "false"},'
            f"{risk_text(it.risk)}{resource_text(it.app)}"
            f'"homeTenantId":"{self.people.tenant}","resourceTenantId":"{self.people.tenant}",'
            f"{self._principal_text(noise)}{authenticator_text(it.person, noise)}"
            f"{outcome_text(error, noise // 32 % 6)}"
            f"{agent_text(it.device) if noise % 3 == 0 else _NO_AGENT}{device_text(it.device)}"
            f"{place_text(it.place, noise % 64)}"
            f"{policies_text(self.people, error, legacy, noise % 32)}"
            f"{self._beta_text(it) if beta else ''}}}"
        ).encode()

    def _principal_text(self, noise: int) -> str:
        if self.kind in ("servicePrincipal", "managedIdentity") or noise % 50 == 7:
            app = self.people.apps[noise % len(self.people.apps)]
            return (
                f'"servicePrincipalId":"{app.resource_id}",'
                f'"servicePrincipalName":{encode(app.name)},'
            )
        return '"servicePrincipalId":"","servicePrincipalName":null,'

    def _beta_text(self, it: Circumstances) -> str:
        """What beta adds: the kind of sign-in, how it was authenticated, numbers of networks."""
        strong = it.noise % 2 == 0
        more = {
            "signInEventTypes": [self.kind],
            "authenticationRequirement": "multiFactorAuthentication"
            if strong
            else "singleFactorAuthentication",
            "tokenIssuerType": "AzureAD",
            "tokenIssuerName": "",
            "processingTimeInMilliseconds": it.noise % 400 + 40,
            "userType": "member",
            "crossTenantAccessType": "none",
            "autonomousSystemNumber": 64_496 + it.noise % 16,
            "uniqueTokenIdentifier": it.id.replace("-", "")[:22],
            "originalRequestId": it.id,
            "incomingTokenType": "none",
            "authenticationDetails": [
                {
                    "authenticationStepDateTime": to_text(it.at),
                    "authenticationMethod": "Password",
                    "authenticationMethodDetail": "Password in the cloud",
                    "succeeded": it.error == 0,
                    "authenticationStepResultDetail": "Correct password"
                    if it.error == 0
                    else "Incorrect password",
                    "authenticationStepRequirement": "Primary authentication",
                }
            ],
            "networkLocationDetails": [],
            "sessionLifetimePolicies": [],
        }
        return "," + encode(more)[1:-1]


@lru_cache(maxsize=8)
def _weighted(people: Company) -> tuple[App, ...]:
    """Each app as often as its weight says."""
    return tuple(app for app in people.apps for _ in range(round(app.weight * 10)))
