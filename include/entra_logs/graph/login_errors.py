"""The login host's refusals (AADSTS codes) as one sentence with the remedy.

Source: Microsoft Entra, "Microsoft Entra authentication and authorization error codes". Codes that
are not listed are refused all the same, by number: the login host itself said no.
"""

import re

from include.entra_logs.errors import EntraLakeError, Refused, Transient

_CODE = re.compile(r"AADSTS(\d+)")

_NEW_KEY = "put the value of a current client secret (not its id) into password of the connection"
_FEDERATION = "the app's federated credential in Entra has to match issuer, subject and audience"
_CERTIFICATE = "upload the connection's current certificate to the app in Entra"

REMEDIES = {
    7000215: f"The client secret is wrong: {_NEW_KEY}.",
    7000222: f"The client secret has expired: make a new one in Entra and {_NEW_KEY}.",
    7000218: f"The client secret is missing: {_NEW_KEY}.",
    700016: "The app is unknown in this tenant: check login (client id) and extra.tenant_id of "
    "the connection.",
    700027: f"The certificate does not belong to the app: {_CERTIFICATE}.",
    700024: "The assertion is outside its lifetime: check this machine's clock, or renew the "
    "federated token file.",
    1000502: f"The certificate has expired: {_CERTIFICATE}.",
    7000112: "The app is disabled: enable it under Enterprise applications in Entra.",
    90002: "The tenant is unknown: check extra.tenant_id of the connection, and the cloud.",
    900023: "The tenant is neither a guid nor a domain name: check extra.tenant_id of the "
    "connection.",
    900021: "The tenant is neither a guid nor a domain name: check extra.tenant_id of the "
    "connection.",
    70021: f"No federated credential matches this workload: {_FEDERATION}.",
    700211: f"No federated credential matches the issuer of this workload: {_FEDERATION}.",
    700213: f"No federated credential matches the subject of this workload: {_FEDERATION}.",
    500011: "Graph is unknown in this tenant under that scope: check extra.scopes and the cloud.",
    70011: "The scope is not valid: leave extra.scopes of the connection empty, or set "
    "<Graph host>/.default.",
    53003: "A conditional access policy blocks the app: exempt its workload identity.",
}

WAITING_MENDS = {90033, 90006, 90090, 50196, 50078}
"""Codes for trouble of the login host itself."""


def login_refusal(text: str) -> EntraLakeError:
    """The error for what the login host wrote; nothing of the text itself but its code."""
    found = _CODE.search(text)
    code = int(found.group(1)) if found else 0
    if code in WAITING_MENDS:
        return Transient(f"The login host is in trouble (AADSTS{code}).")
    if code in REMEDIES:
        return Refused(f"{REMEDIES[code]} (AADSTS{code})")
    return Refused(
        f"The login host refused the app (AADSTS{code}): check login, password or certificate, "
        "and extra.tenant_id of the connection."
    )
