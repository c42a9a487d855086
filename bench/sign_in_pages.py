"""Pages of sign-ins as Graph sends them, newest first: 1,000 events each, about 1,400 bytes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from include.entra_logs.api import Window

START = datetime(2026, 11, 22, 8, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=2))
PAGE = 1000


@dataclass(frozen=True)
class Page:
    """A raw page as the lake gives it."""

    keep: Window
    body: bytes


def pages(events: int, *, unknown: bool = False, seed: int = 7) -> Iterator[Page]:
    """`events` sign-ins of `WINDOW` in the order of `lake.raw`: the last page first."""
    rng = random.Random(seed)
    for page in range(events // PAGE):
        places = range((page + 1) * PAGE, page * PAGE, -1)
        value = [sign_in(rng, place, events) for place in places]
        if unknown:
            value = [event | {"isThroughGlobalSecureAccess": False} for event in value]
        yield Page(WINDOW, orjson.dumps({"@odata.context": "signIns", "value": value}))


def sign_in(rng: random.Random, place: int, events: int) -> dict[str, Any]:
    """One sign-in of a company of 2,000 people; `place` of `events` in time."""
    who = rng.randrange(2000)
    app = rng.randrange(60)
    failed = rng.random() < 0.08
    city, state, country, latitude, longitude = CITIES[who % len(CITIES)]
    at = START + timedelta(microseconds=7_200_000_000 * (place - 1) // events)
    return {
        "id": _guid(rng),
        "createdDateTime": f"{at:%Y-%m-%dT%H:%M:%S.%f}{rng.randrange(1, 10)}Z",
        "userDisplayName": f"Person {who}",
        "userPrincipalName": f"person{who}@contoso.example",
        "userId": str(UUID(int=who + 1)),
        "appId": str(UUID(int=app + 10_000)),
        "appDisplayName": f"Application {app}",
        "ipAddress": f"203.0.{who % 200}.{who % 250}",
        "clientAppUsed": "Browser" if app % 3 else "Mobile Apps and Desktop clients",
        "correlationId": _guid(rng),
        "conditionalAccessStatus": "failure" if failed else "success",
        "isInteractive": True,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes": [],
        "riskEventTypes_v2": [],
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": "00000003-0000-0000-c000-000000000000",
        "status": {
            "errorCode": 50126 if failed else 0,
            "failureReason": "Invalid username or password." if failed else "Other.",
            "additionalDetails": None,
        },
        "deviceDetail": {
            "deviceId": str(UUID(int=who + 50_000)),
            "displayName": f"PC-{who}",
            "operatingSystem": "Windows10",
            "browser": "Edge 131.0.0",
            "isCompliant": True,
            "isManaged": True,
            "trustType": "Azure AD joined",
        },
        "location": {
            "city": city,
            "state": state,
            "countryOrRegion": country,
            "geoCoordinates": {"altitude": None, "latitude": latitude, "longitude": longitude},
        },
        "appliedConditionalAccessPolicies": [
            {
                "id": str(UUID(int=policy + 90_000)),
                "displayName": f"Policy {policy}",
                "enforcedGrantControls": ["Mfa"],
                "enforcedSessionControls": [],
                "result": "success",
            }
            for policy in (who % 5, 6)
        ],
    }


CITIES = (
    ("Berlin", "Berlin", "DE", 52.52, 13.405),
    ("Redmond", "Washington", "US", 47.68050003051758, -122.12094116210938),
    ("Bern", "Bern", "CH", 46.948, 7.4474),
    ("Osaka", "Osaka", "JP", 34.6937, 135.5023),
)


def _guid(rng: random.Random) -> str:
    return str(UUID(int=rng.getrandbits(128)))
