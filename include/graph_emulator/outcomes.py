"""How a sign-in can end: error codes of Microsoft Entra with their texts."""

MFA = "MFA requirement satisfied by claim in the token"
OUTCOMES: dict[int, tuple[str | None, str | None, str]] = {
    0: (None, None, "success"),
    50126: ("Error validating credentials due to invalid username or password.", None,
            "notApplied"),
    50053: (("The account is locked, you've tried to sign in too many times with an incorrect user "
            "ID or password."), None, "notApplied"),
    50055: ("The password is expired.", None, "notApplied"),
    50057: ("The user account is disabled.", None, "notApplied"),
    50074: ("Strong Authentication is required.", "MFA required in Azure AD", "failure"),
    50076: (("Due to a configuration change made by your administrator, or because you moved to a "
            "new location, you must use multi-factor authentication to access the resource."),
            "MFA required in Azure AD", "failure"),
    500121: ("Authentication failed during strong authentication request.",
             "MFA denied; user declined the authentication", "failure"),
    53000: (("Device is not in required device state: {state}. Conditional Access policy requires "
             "a compliant device, and the device is not compliant."), None, "failure"),
    53003: (("Access has been blocked by Conditional Access policies. The access policy does not "
            "allow token issuance."), None, "failure"),
    65001: ("The user or administrator has not consented to use the application.", None,
            "notApplied"),
}  # fmt: skip
"""`errorCode` to (`failureReason`, `additionalDetails`, `conditionalAccessStatus`)."""
