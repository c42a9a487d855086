"""Records of reads, as short as a test wants to say them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from include.entra_logs.api import PARTITION
from include.entra_logs.ledger.record import FirstSeen, LedgerRecord, PartitionCounts

TENANT = "8f6f2f0a-4f4e-4d0e-9d67-3a7a3f1f0001"
START = datetime(2026, 11, 22, tzinfo=UTC)


def told(start: datetime, read_at: datetime, counts: tuple[int, ...]) -> PartitionCounts:
    """The counts, with what the file holds: what was known was first seen at its start."""
    found = PartitionCounts(start, *counts)
    known = found.changed + found.unchanged + found.lacked
    steps = (FirstSeen(start, known), FirstSeen(read_at, known + found.added))
    rows = [step for step, more in zip(steps, (known, found.added), strict=True) if more]
    return replace(found, seen=tuple(rows))


@pytest.fixture
def make_record() -> Callable[..., LedgerRecord]:
    """A record of a sign-ins read of [START, START + 2 h), `late` after its end; more by name.

    `counts` are (added, changed, unchanged, lacked, block) of the partition at START.
    """

    def make(
        late: timedelta = timedelta(minutes=15),
        counts: tuple[int, ...] = (100,),
        start: datetime = START,
        end: datetime | None = None,
        **more: object,
    ) -> LedgerRecord:
        end = end or start + PARTITION
        read_at = end + late
        fields: dict[str, object] = {
            "read_id": f"{read_at:%Y%m%dT%H%M%SZ}-main-00000000",
            "api": "sign_ins",
            "tenant_id": TENANT,
            "window_start": start,
            "window_end": end,
            "kind": "main",
            "read_kind": "main",
            "filter_by": "createdDateTime",
            "run_id": "scheduled__1",
            "read_at": read_at,
            "loaded_at": read_at + timedelta(minutes=1),
            "partitions": (told(start, read_at, counts),) if counts else (),
        } | more
        fields.setdefault("record_id", fields["read_id"])
        return LedgerRecord(**fields)  # type: ignore[arg-type]

    return make
