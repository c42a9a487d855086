"""The JSON of one sign-in, with every property that the v1.0 type `signIn` declares.

Text is put together from pieces that were encoded once, since this is what limits how fast the
emulator makes events. The order of properties follows Microsoft's examples.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import orjson

from include.graph_emulator.company import Company, Device, Person
from include.graph_emulator.outcomes import MFA, OUTCOMES
from include.graph_emulator.sites import Place
from include.graph_emulator.software import App
from include.graph_emulator.ticks import to_text


class Risk(NamedTuple):
    """The risk properties of a sign-in."""

    detail: str = "none"
    aggregated: str = "none"
    during: str = "none"
    state: str = "none"
    kind: str | None = None


NO_RISK = Risk()


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


_ORDINARY = (0,) * 184 + (50126,) * 6 + (50074,) * 3 + (50076,) * 2 + (
    500121, 50053, 50055, 53000, 53003)  # fmt: skip
_NO_AGENT = '"userAgent":null,'
_LEGACY = ("IMAP4", "POP3", "Authenticated SMTP", "Exchange ActiveSync", "Other clients")
_OLD_KINDS = frozenset(
    ("unlikelyTravel", "anonymizedIPAddress", "maliciousIPAddress", "unfamiliarFeatures",
     "leakedCredentials", "malwareInfectedIPAddress", "suspiciousIPAddress", "generic",
     "mcasImpossibleTravel")
)  # fmt: skip


def guid_text(first: int, second: int) -> str:
    """A version 4 guid from two 63-bit integers."""
    a, b = f"{first:016x}", f"{second:016x}"
    return f"{a[:8]}-{a[8:12]}-4{a[13:]}-8{b[1:4]}-{b[4:]}"


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


@lru_cache(maxsize=20_000)
def _person_text(person: Person) -> str:
    return (
        f'"userDisplayName":{_json(person.name)},"userPrincipalName":{_json(person.upn)},'
        f'"userId":"{person.id}",'
    )


@lru_cache(maxsize=256)
def _app_text(app: App) -> str:
    return f'"appId":"{app.id}","appDisplayName":{_json(app.name)},'


@lru_cache(maxsize=256)
def _resource_text(app: App) -> str:
    return f'"resourceDisplayName":{_json(app.resource)},"resourceId":"{app.resource_id}",'


@lru_cache(maxsize=20_000)
def _device_text(device: Device) -> str:
    managed = device.managed
    detail = {
        "deviceId": device.id,
        "displayName": device.name or None,
        "operatingSystem": device.system or None,
        "browser": device.browser,
        "isCompliant": device.compliant if managed else None,
        "isManaged": True if managed else None,
        "trustType": device.trust or None,
    }
    return f'"deviceDetail":{_json(detail)},'


@lru_cache(maxsize=4096)
def _place_text(place: Place, form: int) -> str:
    """`location`; `form` 0 to 4 of 64 are the odd shapes of geoCoordinates seen in the field."""
    coordinates: dict[str, float | None] | None = {
        "altitude": None,
        "latitude": place.latitude,
        "longitude": place.longitude,
    }
    if form == 0:
        coordinates = None
    elif form == 1:
        coordinates = {}
    elif form == 2:
        coordinates = {"latitude": round(place.latitude), "longitude": round(place.longitude)}
    elif form == 3:
        coordinates = {"altitude": 12, "latitude": place.latitude, "longitude": place.longitude}
    where = {"city": place.city, "state": place.state, "countryOrRegion": place.country}
    return f'"location":{_json(where | {"geoCoordinates": coordinates})},'


@lru_cache(maxsize=256)
def _outcome_text(error: int, form: int) -> str:
    reason, details, _ = OUTCOMES[error]
    if error == 0:
        reason = "Other." if form == 0 else None
        details = MFA if form == 1 else None
    status = {"errorCode": error, "failureReason": reason, "additionalDetails": details}
    return f'"status":{_json(status)},'


@lru_cache(maxsize=1024)
def _policies_text(people: Company, error: int, legacy: bool, form: int) -> str:  # noqa: FBT001
    """`appliedConditionalAccessPolicies` for an outcome; `form` 0 to 3 of 32 are report-only."""
    found = []
    for number, policy in enumerate(people.policies[: (1, 1, 2, 3, 1, 1, 2, 4)[form % 8]]):
        result = "notApplied"
        if number == 0:
            result = "success" if error == 0 else "failure" if error > 50_070 else "notEnabled"
        elif number == 1 and legacy:
            result = "failure"
        elif number == 2 and form < 16:
            result = ("reportOnlySuccess", "reportOnlyFailure", "reportOnlyNotApplied",
                      "reportOnlyInterrupted")[form // 4]  # fmt: skip
        found.append(
            {
                "id": policy.id,
                "displayName": policy.name,
                "enforcedGrantControls": policy.grants,
                "enforcedSessionControls": policy.sessions,
                "result": result,
            }
        )
    return f'"appliedConditionalAccessPolicies":{_json(found)}'


@lru_cache(maxsize=512)
def _risk_text(risk: Risk) -> str:
    kinds = [] if risk.kind is None else [risk.kind]
    old = [kind if kind in _OLD_KINDS else "unknownFutureValue" for kind in kinds]
    return (
        f'"riskDetail":"{risk.detail}","riskLevelAggregated":"{risk.aggregated}",'
        f'"riskLevelDuringSignIn":"{risk.during}","riskState":"{risk.state}",'
        f'"riskEventTypes":{_json(old)},"riskEventTypes_v2":{_json(kinds)},'
    )


@lru_cache(maxsize=20_000)
def _agent_text(device: Device) -> str:
    return f'"userAgent":{_json(device.user_agent)},'


def _authenticator_text(person: Person, noise: int) -> str:
    if noise % 24:
        return '"authenticationAppDeviceDetails":null,'
    detail = {
        "deviceId": person.phone.id or None,
        "appVersion": "6.2411.7533",
        "operatingSystem": person.phone.system,
        "clientApp": "microsoftAuthenticator",
    }
    return f'"authenticationAppDeviceDetails":{_json(detail)},'


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
            f'{{"id":"{it.id}","createdDateTime":"{to_text(it.at)}",{_person_text(it.person)}'
            f'{_app_text(it.app)}"ipAddress":"{it.ip}","clientAppUsed":"{it.client}",'
            f'"correlationId":"{it.correlation}","conditionalAccessStatus":"{status}",'
            f'"isInteractive":{"true" if self.kind == "interactiveUser" else "false"},'
            f"{_risk_text(it.risk)}{_resource_text(it.app)}"
            f'"homeTenantId":"{self.people.tenant}","resourceTenantId":"{self.people.tenant}",'
            f"{self._principal_text(noise)}{_authenticator_text(it.person, noise)}"
            f"{_outcome_text(error, noise // 32 % 6)}"
            f"{_agent_text(it.device) if noise % 3 == 0 else _NO_AGENT}{_device_text(it.device)}"
            f"{_place_text(it.place, noise % 64)}"
            f"{_policies_text(self.people, error, legacy, noise % 32)}"
            f"{self._beta_text(it) if beta else ''}}}"
        ).encode()

    def _principal_text(self, noise: int) -> str:
        if self.kind in ("servicePrincipal", "managedIdentity") or noise % 50 == 7:
            app = self.people.apps[noise % len(self.people.apps)]
            return (
                f'"servicePrincipalId":"{app.resource_id}",'
                f'"servicePrincipalName":{_json(app.name)},'
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
        return "," + _json(more)[1:-1]


@lru_cache(maxsize=8)
def _weighted(people: Company) -> tuple[App, ...]:
    """Each app as often as its weight says."""
    return tuple(app for app in people.apps for _ in range(round(app.weight * 10)))
