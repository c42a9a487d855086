"""The one cause that no read shows before it stops all of them: a certificate near its end."""

from datetime import datetime, timedelta

from include.entra_logs.watch.cause import Cause, Kind, Topic

NOTICE = timedelta(days=30)
"""How long before its end a certificate is told."""


def expiring(conn_id: str, ends: datetime | None, now: datetime) -> list[Cause]:
    """The cause that the connection's certificate is; none while it lasts, or without one."""
    if ends is None or ends - now > NOTICE:
        return []
    left = f"expires on {ends:%Y-%m-%d}, in {(ends - now).days} days" if ends > now else "is over"
    return [
        Cause(
            Topic(Kind.CERTIFICATE, name=conn_id),
            says=f"The certificate of the Airflow connection {conn_id} {left}"
            + ("." if ends > now else f": it expired on {ends:%Y-%m-%d}."),
            remedy="Make a new one, upload its public part to the app in Entra (Certificates & "
            "secrets), and put it into the connection.",
        )
    ]
