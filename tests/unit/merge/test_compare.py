"""Rows that differ, in columns of any type, against plain Python."""

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from include.entra_logs.merge.compare import different

VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.string(): st.none() | st.sampled_from(["", "a", "b", "\U0001f600"]),
    pa.int64(): st.none() | st.integers(0, 2),
    pa.bool_(): st.none() | st.booleans(),
    pa.float64(): st.none() | st.sampled_from([0.0, 1.5]),
    pa.timestamp("us", "UTC"): st.none() | st.integers(0, 2),
}


def columns(kind: st.SearchStrategy[tuple[pa.DataType, Any]]) -> st.SearchStrategy[Any]:
    """Lists and structs of columns, with strategies for their values."""
    lists = kind.map(lambda k: (pa.list_(k[0]), st.none() | st.lists(k[1], max_size=3)))
    structs = st.tuples(kind, kind).map(
        lambda two: (
            pa.struct([("x", two[0][0]), ("y", two[1][0])]),
            st.none() | st.fixed_dictionaries({"x": two[0][1], "y": two[1][1]}),
        )
    )
    return lists | structs


KINDS = st.recursive(st.sampled_from(list(VALUES.items())), columns, max_leaves=5)


@given(st.data(), KINDS, st.integers(0, 12), st.integers(0, 3))
def test_different_agrees_with_python(
    data: st.DataObject, kind: tuple[pa.DataType, Any], rows: int, cut: int
) -> None:
    """For any nesting, and for slices, a row is different exactly if its Python values are."""
    some = st.lists(kind[1], min_size=rows + cut, max_size=rows + cut)
    left, right = data.draw(some), data.draw(some)
    one, two = (pa.array(values, kind[0])[cut:] for values in (left, right))
    assert different(one, two).tolist() == [a != b for a, b in zip(left, right, strict=True)][cut:]


def test_not_a_number_equals_itself() -> None:
    """A file is not rewritten for ever because of a NaN."""
    one, two = (pa.array([float("nan"), 1.0, None]) for _ in range(2))
    assert not different(one, two).any()
