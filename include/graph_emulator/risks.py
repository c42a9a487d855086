"""Risk detections: the incidents of the last days, by the time they were detected."""

from dataclasses import dataclass

import numpy as np
import orjson

from include.graph_emulator import ticks
from include.graph_emulator.bucket import Bucket
from include.graph_emulator.company import Company
from include.graph_emulator.incidents import Incident, incidents
from include.graph_emulator.ticks import NEVER, to_text

_MOST_STEPS = 3


@dataclass(frozen=True)
class Risks:
    """The risk detections of one tenant; a bucket is a day of `detectedDateTime`."""

    seed: int
    people: Company
    per_day: float
    lateness: str
    width: int = ticks.DAY

    def bucket(self, number: int) -> Bucket:
        """The detections of one day; their activity lies up to two days before."""
        start = number * self.width
        found = [
            incident
            for hour in range(start - 2 * ticks.DAY, start + ticks.DAY, ticks.HOUR)
            for incident in incidents(self.seed, self.people, hour, self.per_day)
            if start <= incident.detected < start + self.width
        ]
        found.sort(key=lambda incident: (incident.detected, incident.id))
        early = self.lateness == "none"
        seen = [
            [incident.detected if early and not n else step.visible
             for n, step in enumerate(incident.steps)]
            + [NEVER] * (_MOST_STEPS - len(incident.steps))
            for incident in found
        ]  # fmt: skip
        visible = np.array(seen, np.int64).reshape(-1, _MOST_STEPS)

        def render(row: int, version: int, _beta: bool) -> bytes:  # noqa: FBT001  as in Bucket
            return _text(found[row], version)

        return Bucket(
            np.array([incident.detected for incident in found], np.int64),
            visible[:, 0],
            visible[:, 1:],
            np.full(len(found), NEVER),
            render,
            lambda row: found[row].id,
        )


def _text(incident: Incident, version: int) -> bytes:
    """A detection as JSON, with every property that the v1.0 type `riskDetection` declares."""
    step, attempt = incident.steps[version], incident.attempt
    place = attempt.place
    number = int(incident.id[:8], 16)
    coordinates = {
        "altitude": 0 if number % 4 == 1 else None,
        "latitude": place.latitude,
        "longitude": place.longitude,
    }
    where = {
        "city": place.city,
        "state": place.state,
        "countryOrRegion": place.country,
        "geoCoordinates": None if number % 4 == 0 else coordinates,
    }
    leaked = not incident.with_sign_in
    more = [{"Key": "userAgent", "Value": attempt.device.user_agent}]
    if incident.kind == "passwordSpray":
        more.append({"Key": "alertUrl", "Value": ""})
    event = {
        "id": incident.id,
        "requestId": None if leaked else attempt.id,
        "correlationId": None if leaked else attempt.correlation,
        "riskEventType": incident.kind,
        "riskState": step.state,
        "riskLevel": step.level,
        "riskDetail": step.detail,
        "source": "IdentityProtection",
        "detectionTimingType": incident.timing,
        "activity": "user" if leaked else "signin",
        "tokenIssuerType": "AzureAD",
        "ipAddress": None if leaked else attempt.ip,
        "location": None if leaked else where,
        "activityDateTime": to_text(attempt.at),
        "detectedDateTime": to_text(incident.detected),
        "lastUpdatedDateTime": to_text(step.updated),
        "userId": attempt.person.id,
        "userDisplayName": attempt.person.name,
        "userPrincipalName": attempt.person.upn,
        "additionalInfo": "[]" if leaked else orjson.dumps(more).decode(),
    }
    return orjson.dumps(event)
