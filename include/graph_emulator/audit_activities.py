"""The kinds of directory audits, and how each describes who changed what."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from include.graph_emulator.company import Company, Person, guid

Json = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """`initiatedBy`, `targetResources` and `additionalDetails` of one audit."""

    by: Json
    targets: list[Json]
    details: list[Json] = field(default_factory=list)


@dataclass(frozen=True)
class Activity:
    """One kind of audit; `make` describes an instance of it."""

    name: str
    category: str
    service: str
    operation: str
    weight: float
    make: Callable[[Company, random.Random], Change]


def _by_user(person: Person, ip: str | None) -> Json:
    user = {
        "id": person.id, "displayName": person.name, "userPrincipalName": person.upn,
        "ipAddress": ip, "userType": None, "homeTenantId": None, "homeTenantName": None,
    }  # fmt: skip
    return {"user": user, "app": None}


def _by_admin(people: Company, draw: random.Random) -> Json:
    return _by_user(draw.choice(people.admins), f"198.18.1.{draw.randrange(2, 200)}")


def _by_app(name: str, people: Company, draw: random.Random) -> Json:
    app = {
        "appId": draw.choice(people.apps).id if draw.random() < 0.5 else None,
        "displayName": name,
        "servicePrincipalId": people.groups[0][0],
        "servicePrincipalName": name.lower() if draw.random() < 0.3 else None,
    }
    return {"user": None, "app": app}


def _changed(name: str, old: object, new: object) -> Json:
    """A modified property; values are JSON within a string (observed)."""
    text = [None if value is None else json.dumps(value) for value in (old, new)]
    return {"displayName": name, "oldValue": text[0], "newValue": text[1]}


def _target(
    kind: str, name: str | None, id_: str, changed: list[Json] | None = None,
    upn: str | None = None, group: str | None = None,
) -> Json:  # fmt: skip
    return {
        "id": id_, "displayName": name, "type": kind, "userPrincipalName": upn,
        "groupType": group, "modifiedProperties": changed or [],
    }  # fmt: skip


def _user_target(person: Person, changed: list[Json] | None = None) -> Json:
    return _target("User", None, person.id, changed, person.upn)


def _group_target(people: Company, draw: random.Random, changed: list[Json] | None = None) -> Json:
    id_, name = draw.choice(people.groups)
    kind = draw.choice(("unifiedGroups", "azureAD"))
    return _target("Group", name, id_, changed, group=kind)


def _membership(people: Company, draw: random.Random) -> Change:
    id_, name = draw.choice(people.groups)
    changed = [_changed("Group.ObjectID", None, id_), _changed("Group.DisplayName", None, name)]
    targets = [_user_target(draw.choice(people.people), changed), _group_target(people, draw)]
    return Change(_by_admin(people, draw), targets)


def _update_user(people: Company, draw: random.Random) -> Change:
    person = draw.choice(people.people)
    what, old, new = draw.choice(
        (
            ("Department", ["Sales"], [person.department]),
            ("JobTitle", [], ["Team lead"]),
            ("TelephoneNumber", ["+49 89 5550100"], ["+49 89 5550199"]),
            ("DisplayName", [person.name], [f"{person.name} (contractor)"]),
        )
    )
    changed = [
        _changed(what, old, new),
        _changed("Included Updated Properties", None, what),
        _changed("TargetId.UserType", None, "Member"),
    ]
    details = [{"key": "UserType", "value": "Member"}]
    return Change(
        _by_app("Lakeside HR sync", people, draw), [_user_target(person, changed)], details
    )


def _licence(people: Company, draw: random.Random) -> Change:
    """A large event split into chunks that name their place: seq, c, b (observed)."""
    plans = [{"SkuName": "SPE_E5", "AssignedPlans": [guid(draw) for _ in range(12)]}]
    chunks = draw.choice((1, 1, 3))
    details = [
        {"key": "seq", "value": str(draw.randrange(1, chunks + 1))},
        {"key": "c", "value": str(chunks)},
        {"key": "b", "value": guid(draw)},
        {"key": "User-Agent", "value": "Microsoft Azure Graph Client Library 1.0"},
    ]
    changed = [_changed("AssignedLicense", [], plans), _changed("AssignedPlan", [], plans)]
    person = draw.choice(people.people)
    return Change(_by_admin(people, draw), [_user_target(person, changed)], details)


def _password(people: Company, draw: random.Random) -> Change:
    person = draw.choice(people.people)
    return Change(_by_user(person, person.home_ip), [_user_target(person)])


def _admin_reset(people: Company, draw: random.Random) -> Change:
    return Change(_by_admin(people, draw), [_user_target(draw.choice(people.people))])


def _account(people: Company, draw: random.Random) -> Change:
    changed = [_changed("AccountEnabled", [True], [False])]
    return Change(_by_admin(people, draw), [_user_target(draw.choice(people.people), changed)])


def _role(people: Company, draw: random.Random) -> Change:
    id_, name = draw.choice(people.roles)
    changed = [
        _changed("Role.ObjectID", None, id_),
        _changed("Role.DisplayName", None, name),
        _changed("Role.WellKnownObjectName", None, name.replace(" ", "")),
    ]
    targets = [_user_target(draw.choice(people.people), changed), _target("Role", name, id_)]
    details: list[Json] = [
        {"key": "ipaddr", "value": None},
        {"key": "Justification", "value": "on call"},
    ]
    return Change(_by_admin(people, draw), targets, details)


def _consent(people: Company, draw: random.Random) -> Change:
    app = draw.choice(people.apps)
    scopes = "=> [[Id: x, ClientId: y, Scope: User.Read Mail.Read offline_access]];"
    changed = [
        _changed("ConsentContext.IsAdminConsent", None, str(draw.random() < 0.3)),
        _changed("ConsentAction.Permissions", None, scopes),
    ]
    targets = [_target("ServicePrincipal", app.name, app.id, changed)]
    details = [{"key": "AppId", "value": app.id}]
    return Change(_by_user(draw.choice(people.people), None), targets, details)


def _app_secret(people: Company, draw: random.Random) -> Change:
    app = draw.choice(people.apps)
    key = f"[KeyIdentifier={guid(draw)},KeyType=Password,KeyUsage=Verify,DisplayName=ci]"
    changed = [_changed("KeyDescription", [], [key])]
    return Change(_by_admin(people, draw), [_target("Application", app.name, app.id, changed)])


def _group(people: Company, draw: random.Random) -> Change:
    changed = [_changed("Description", ["old"], ["Team of " + draw.choice(people.people).name])]
    return Change(_by_admin(people, draw), [_group_target(people, draw, changed)])


def _lifecycle(_people: Company, _draw: random.Random) -> Change:
    """The service's own chatter: an id of zeros and no names (Microsoft's example)."""
    nobody = "00000000-0000-0000-0000-000000000000"
    user = {
        "id": nobody, "displayName": None, "userPrincipalName": None, "ipAddress": "10.0.0.0",
        "userType": None, "homeTenantId": None, "homeTenantName": None,
    }  # fmt: skip
    return Change({"app": None, "user": user}, [_target("N/A", None, nobody)])


def _device(people: Company, draw: random.Random) -> Change:
    person = draw.choice(people.people)
    device = person.devices[0]
    changed = [_changed("IsCompliant", [False], [True]), _changed("DeviceOSVersion", [], ["10.0"])]
    targets = [_target("Device", device.name or None, device.id or guid(draw), changed)]
    details = [{"key": "Device Trust Type", "value": device.trust or None}]
    return Change(_by_app("Device Registration Service", people, draw), targets, details)


def _security_info(people: Company, draw: random.Random) -> Change:
    person = draw.choice(people.people)
    changed = [_changed("StrongAuthenticationMethod", [], [{"MethodType": 6, "Default": True}])]
    return Change(_by_user(person, person.home_ip), [_user_target(person, changed)])


def _policy(people: Company, draw: random.Random) -> Change:
    policy = draw.choice(people.policies)
    changed = [_changed("ConditionalAccessPolicy", {"state": "enabled"}, {"state": "disabled"})]
    return Change(_by_admin(people, draw), [_target("Policy", policy.name, policy.id, changed)])


_CORE = "Core Directory"
ACTIVITIES = (
    Activity("Add member to group", "GroupManagement", _CORE, "Assign", 14, _membership),
    Activity("Remove member from group", "GroupManagement", _CORE, "Unassign", 8, _membership),
    Activity("Update group", "GroupManagement", _CORE, "Update", 6, _group),
    Activity("Add group", "GroupManagement", _CORE, "Add", 1, _group),
    Activity("Update user", "UserManagement", _CORE, "Update", 22, _update_user),
    Activity("Add user", "UserManagement", _CORE, "Add", 2, _update_user),
    Activity("Delete user", "UserManagement", _CORE, "Delete", 1, _admin_reset),
    Activity("Disable account", "UserManagement", _CORE, "Update", 1, _account),
    Activity("Change user license", "UserManagement", _CORE, "Update", 5, _licence),
    Activity("Reset user password", "UserManagement", _CORE, "Update", 3, _admin_reset),
    Activity("Change user password", "UserManagement", _CORE, "Update", 4, _password),
    Activity("Self-service password reset flow activity progress", "UserManagement",
             "Self-service Password Management", "Update", 2, _password),
    Activity("User registered security info", "UserManagement", "Authentication Methods",
             "Update", 5, _security_info),
    Activity("Add member to role", "RoleManagement", _CORE, "Assign", 1, _role),
    Activity("Remove member from role", "RoleManagement", _CORE, "Unassign", 0.6, _role),
    Activity("Add eligible member to role in PIM completed (timebound)", "RoleManagement", "PIM",
             "CreateRequestGrantedEligibleRole", 1, _role),
    Activity("Consent to application", "ApplicationManagement", _CORE, "Assign", 1.5, _consent),
    Activity("Add service principal", "ApplicationManagement", _CORE, "Add", 1, _consent),
    Activity("Update application \u2013 Certificates and secrets management ",
             "ApplicationManagement", _CORE, "Update", 0.8, _app_secret),
    Activity("Update conditional access policy", "Policy", "Conditional Access", "Update", 0.4,
             _policy),
    Activity("Update device", "Device", _CORE, "Update", 12, _device),
    Activity("Register device", "Device", "Device Registration Service", "Add", 3, _device),
    Activity("GroupLifecyclePolicies_Get", "GroupManagement", "Self-service Group Management",
             "Update", 6, _lifecycle),
)  # fmt: skip
