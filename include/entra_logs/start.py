"""ENTRA_START, the first interval that is scheduled on its own: how its text is read.

Standard library only: it is the one setting that parsing `dags/` reads.
"""

from datetime import UTC, datetime


def parse_start(text: str | None) -> datetime | None:
    """The moment that `text` names, aware UTC; None if it is None or blank.

    An ISO date or time of this century; without an offset it is UTC. ValueError for anything else.
    """
    if text is None or not text.strip():
        return None
    at = datetime.fromisoformat(text.strip())
    if not 2000 <= at.year < 2100:
        raise ValueError("no year of this century")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
