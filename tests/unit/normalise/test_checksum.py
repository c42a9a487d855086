from datetime import UTC, datetime
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.entra_logs.normalise.counts import IdChecksum, id_checksum

TIME = pa.timestamp("us", tz="UTC")
AT = datetime(2026, 11, 22, tzinfo=UTC)
IDENTITIES = st.lists(
    st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 10**12)),
    unique=True,
    max_size=30,
)


def columns(rows: list[tuple[str, int]]) -> tuple[pa.Array, pa.Array]:
    """The two key columns of (id, microseconds) rows."""
    return pa.array([r[0] for r in rows], pa.string()), pa.array(
        [r[1] for r in rows], pa.int64()
    ).cast(TIME)


@given(IDENTITIES, st.randoms(), st.integers(1, 7))
def test_the_order_and_the_batches_do_not_matter(
    rows: list[tuple[str, int]], random: Random, size: int
) -> None:
    """Any order in batches of any size gives the checksum of the whole."""
    shuffled = random.sample(rows, len(rows))
    checksum = IdChecksum()
    for start in range(0, len(rows), size):
        checksum.add(*columns(shuffled[start : start + size]))
    assert checksum.text == id_checksum(*columns(rows))


@given(IDENTITIES, IDENTITIES)
def test_other_events_give_another_checksum(
    some: list[tuple[str, int]], others: list[tuple[str, int]]
) -> None:
    """Two sets of identities have one checksum only if they are the same set."""
    same = id_checksum(*columns(some)) == id_checksum(*columns(others))
    assert same == (set(some) == set(others))


def test_swapped_times_are_seen() -> None:
    """Two events that exchange their times are two other events."""
    assert id_checksum(*columns([("a", 1), ("b", 2)])) != id_checksum(
        *columns([("a", 2), ("b", 1)])
    )


def test_the_checksum_is_stable() -> None:
    """A checksum in a ledger of years ago means the same today."""
    ids = pa.chunked_array([["Directory_é", "💥"], [""]])
    times = pa.array([AT, AT, AT], TIME)
    assert id_checksum(ids, times) == "c1a628001614f0c54121a264616a283e"
    assert id_checksum(ids[:0], times[:0]) == "0" * 32


def test_a_row_without_identity_is_refused() -> None:
    """An event without id cannot slip into a checksum."""
    with pytest.raises(ValueError, match="id and an event time"):
        id_checksum(pa.array(["a", None]), pa.array([AT, AT], TIME))
