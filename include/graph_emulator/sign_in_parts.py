"""The pieces of a sign-in's JSON, each encoded once for everybody whom it applies to."""

from functools import lru_cache
from typing import NamedTuple

import orjson

from include.graph_emulator.company import Company, Device, Person
from include.graph_emulator.outcomes import MFA, OUTCOMES
from include.graph_emulator.sites import Place
from include.graph_emulator.software import App


class Risk(NamedTuple):
    """The risk properties of a sign-in."""

    detail: str = "none"
    aggregated: str = "none"
    during: str = "none"
    state: str = "none"
    kind: str | None = None


NO_RISK = Risk()


_OLD_KINDS = frozenset(
    ("unlikelyTravel", "anonymizedIPAddress", "maliciousIPAddress", "unfamiliarFeatures",
     "leakedCredentials", "malwareInfectedIPAddress", "suspiciousIPAddress", "generic",
     "mcasImpossibleTravel")
)  # fmt: skip


def encode(value: object) -> str:
    """`value` as JSON."""
    return orjson.dumps(value).decode()


@lru_cache(maxsize=20_000)
def person_text(person: Person) -> str:
    """Who signed in."""
    return (
        f'"userDisplayName":{encode(person.name)},"userPrincipalName":{encode(person.upn)},'
        f'"userId":"{person.id}",'
    )


@lru_cache(maxsize=256)
def app_text(app: App) -> str:
    """The client application."""
    return f'"appId":"{app.id}","appDisplayName":{encode(app.name)},'


@lru_cache(maxsize=256)
def resource_text(app: App) -> str:
    """What it asked for."""
    return f'"resourceDisplayName":{encode(app.resource)},"resourceId":"{app.resource_id}",'


@lru_cache(maxsize=20_000)
def device_text(device: Device) -> str:
    """`deviceDetail`."""
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
    return f'"deviceDetail":{encode(detail)},'


@lru_cache(maxsize=4096)
def place_text(place: Place, form: int) -> str:
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
    return f'"location":{encode(where | {"geoCoordinates": coordinates})},'


@lru_cache(maxsize=256)
def outcome_text(error: int, form: int) -> str:
    """`status`; `form` 0 and 1 are the texts that a success has now and then."""
    reason, details, _ = OUTCOMES[error]
    if error == 0:
        reason = "Other." if form == 0 else None
        details = MFA if form == 1 else None
    status = {"errorCode": error, "failureReason": reason, "additionalDetails": details}
    return f'"status":{encode(status)},'


@lru_cache(maxsize=1024)
def policies_text(people: Company, error: int, legacy: bool, form: int) -> str:  # noqa: FBT001  cached by value
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
    return f'"appliedConditionalAccessPolicies":{encode(found)}'


@lru_cache(maxsize=512)
def risk_text(risk: Risk) -> str:
    """The risk properties."""
    kinds = [] if risk.kind is None else [risk.kind]
    old = [kind if kind in _OLD_KINDS else "unknownFutureValue" for kind in kinds]
    return (
        f'"riskDetail":"{risk.detail}","riskLevelAggregated":"{risk.aggregated}",'
        f'"riskLevelDuringSignIn":"{risk.during}","riskState":"{risk.state}",'
        f'"riskEventTypes":{encode(old)},"riskEventTypes_v2":{encode(kinds)},'
    )


@lru_cache(maxsize=20_000)
def agent_text(device: Device) -> str:
    """`userAgent`."""
    return f'"userAgent":{encode(device.user_agent)},'


def authenticator_text(person: Person, noise: int) -> str:
    """`authenticationAppDeviceDetails`, mostly null."""
    if noise % 24:
        return '"authenticationAppDeviceDetails":null,'
    detail = {
        "deviceId": person.phone.id or None,
        "appVersion": "6.2411.7533",
        "operatingSystem": person.phone.system,
        "clientApp": "microsoftAuthenticator",
    }
    return f'"authenticationAppDeviceDetails":{encode(detail)},'
