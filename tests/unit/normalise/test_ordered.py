import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.entra_logs.normalise import ordered
from include.entra_logs.normalise.ordered import ORDER, Sorter
from include.entra_logs.schema import TIME

SCHEMA = pa.schema(
    [("at", TIME), ("id", pa.string()), ("version", TIME), ("x", pa.int32()), (ORDER, pa.int64())]
)
KEY = ("at", "id")


def table(rows: list[tuple[int, str, int | None, int]], start: int) -> pa.Table:
    """Rows of time, id, version and content; their order counts on from `start`."""
    columns = list(zip(*rows, strict=True)) if rows else [[], [], [], []]
    order = list(range(start, start + len(rows)))
    return pa.table([*map(list, columns), order], schema=SCHEMA)


def sorted_by(tmp_path: Path, tables: list[pa.Table]) -> tuple[list[dict], ordered.Counts]:
    """All rows that the sorter gives for the tables."""
    with Sorter(tmp_path / "rows.arrow", SCHEMA, KEY, "version") as sorter:
        for one in tables:
            sorter.add(one)
        found = [row for part in sorter.ordered() for row in part.to_pylist()]
        return found, sorter.counts


rows_of_events = st.tuples(
    st.integers(-3, 3), st.sampled_from(["a", "b", "é", "\U0001f600", "￿"]),
    st.none() | st.integers(0, 2), st.integers(0, 1),
)  # fmt: skip


@given(groups=st.lists(st.lists(rows_of_events, max_size=8), max_size=8))
def test_any_groups_come_out_sorted_and_unique(
    groups: list[list[tuple]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Overlapping as they may: in order of time and id, the newest version once, all counted."""
    tables, start = [], 0
    for group in groups:
        tables.append(table(group, start))
        start += len(group)
    original = ordered.BATCH
    ordered.BATCH = 2
    try:
        found, counts = sorted_by(tmp_path_factory.mktemp("sort"), tables)
    finally:
        ordered.BATCH = original

    best: dict[tuple[int, bytes], tuple] = {}
    everything = [row for group in groups for row in group]
    for place, (at, name, version, x) in enumerate(everything):
        rank = (version is not None, version or 0, place)
        key = (at, name.encode())
        if key not in best or rank > best[key][0]:
            best[key] = (rank, version, x)
    micros = [row["at"].timestamp() for row in found]
    assert [(round(at * 1e6), row["id"].encode()) for at, row in zip(micros, found, strict=True)] \
        == sorted(best)  # fmt: skip
    assert [row["x"] for row in found] == [best[key][2] for key in sorted(best)]
    lost = len(everything) - len(best)
    conflicts = sum(
        (version, x) != best[at, name.encode()][1:] for at, name, version, x in everything
    )
    assert (counts.conflicts, counts.duplicates) == (conflicts, lost - conflicts)


def test_little_waits_when_groups_hardly_overlap(tmp_path: Path) -> None:
    """The rows given at once are those of a batch or two, however many there are."""
    groups = [
        table([(at - 5, f"{at}", None, 0) for at in range(start, start + 1000)], start)
        for start in range(0, 20_000, 1000)
    ]
    random.Random(1).shuffle(groups)
    with Sorter(tmp_path / "rows.arrow", SCHEMA, KEY, None) as sorter:
        for one in groups:
            sorter.add(one)
        sizes = [part.num_rows for part in sorter.ordered()]
    assert sum(sizes) == 20_000
    assert max(sizes) <= 2 * ordered.BATCH


def test_nothing_is_left_on_disk(tmp_path: Path) -> None:
    """The temporary file is gone, also after an error in the middle."""

    def fail() -> None:
        with Sorter(tmp_path / "x", SCHEMA, KEY, None) as sorter:
            sorter.add(table([(1, "a", None, 1)], 0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []
