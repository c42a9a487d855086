"""Schemas that grow: any nesting, and no column that changes its type unseen."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.entra_logs.merge.evolve import conform, unified
from include.entra_logs.merge.partition_file import DICTIONARY

TEXT, NUMBER = pa.string(), pa.int64()
PLAIN: dict[pa.DataType, st.SearchStrategy[Any]] = {
    TEXT: st.none() | st.sampled_from(["", "a", "b"]),
    NUMBER: st.none() | st.integers(0, 2),
    pa.timestamp("us", "UTC"): st.none() | st.integers(0, 2),
}
NAMES = st.lists(st.sampled_from("abcde"), min_size=1, max_size=3, unique=True)


@st.composite
def grown(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> Any:
    """A struct or list: its type before and after it grew, and values of before."""
    if draw(st.booleans()):
        before, after, values = draw(inner)
        return pa.list_(before), pa.list_(after), st.none() | st.lists(values, max_size=3)
    fields = {name: draw(inner) for name in draw(NAMES)}
    new = {name: draw(inner)[1] for name in draw(NAMES) if name not in fields}
    before = pa.struct([(name, each[0]) for name, each in fields.items()])
    after = [*((name, each[1]) for name, each in fields.items()), *new.items()]
    values = st.fixed_dictionaries({name: each[2] for name, each in fields.items()})
    return before, pa.struct(after), st.none() | values


INNER = st.recursive(
    st.sampled_from([(kind, kind, values) for kind, values in PLAIN.items()]), grown, max_leaves=6
)
KINDS = INNER | st.just((DICTIONARY, DICTIONARY, PLAIN[TEXT]))


def filled(value: Any, kind: pa.DataType) -> Any:
    """The same value, with null for what it lacks."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {field.name: filled(value.get(field.name), field.type) for field in kind}
    if pa.types.is_list(kind):
        return [filled(each, kind.value_type) for each in value]
    return value


@given(st.data(), st.lists(KINDS, min_size=1, max_size=3), st.integers(0, 6), st.integers(0, 3))
def test_rows_of_before_fit_what_grew(
    data: st.DataObject, kinds: list[Any], rows: int, cut: int
) -> None:
    """Nothing is lost and what was not there is null, in any nesting and in slices."""
    some = {"min_size": rows + cut, "max_size": rows + cut}
    columns = {
        f"c{at}": pa.array(data.draw(st.lists(each[2], **some)), each[0])
        for at, each in enumerate(kinds)
    }
    old = pa.record_batch(columns).slice(cut)
    new = pa.schema(
        [
            ("new", TEXT),
            ("encoded", DICTIONARY),
            *((f"c{at}", each[1]) for at, each in enumerate(kinds)),
        ]
    )
    schema = unified(old.schema, new)
    assert schema.names == [*old.schema.names, "new", "encoded"]
    assert unified(new, old.schema).equals(new)
    for wanted in (schema, new):
        found = conform(old, wanted)
        found.validate(full=True)
        assert found.schema.equals(wanted)
        assert found.to_pylist() == [filled(row, pa.struct(wanted)) for row in old.to_pylist()]


def test_equal_schemas_cost_nothing() -> None:
    """The batch itself comes back."""
    batch = pa.record_batch({"a": pa.array(["x"])})
    assert conform(batch, unified(batch.schema, batch.schema)) is batch


def test_columns_that_stay_are_not_copied() -> None:
    """Only what is new takes memory."""
    batch = pa.record_batch({"a": pa.array(["x"] * 100)})
    found = conform(batch, pa.schema([("b", TEXT), ("a", TEXT)]))
    assert found["a"].buffers()[2].address == batch["a"].buffers()[2].address


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param((pa.int32(), pa.int64()), id="wider"),
        pytest.param((pa.null(), NUMBER), id="null"),
        pytest.param((pa.null(), pa.struct([("x", NUMBER)])), id="null and struct"),
        pytest.param((pa.list_(pa.null()), pa.list_(TEXT)), id="null in a list"),
        pytest.param((pa.list_(NUMBER, 2), pa.list_(NUMBER, 3)), id="length of a list"),
        pytest.param((pa.list_(NUMBER), NUMBER), id="list and one"),
        pytest.param((pa.string(), pa.large_string()), id="larger"),
        pytest.param((DICTIONARY, pa.string()), id="encoded"),
        pytest.param((pa.timestamp("us"), pa.timestamp("us", "UTC")), id="zone"),
        pytest.param((pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC")), id="unit"),
    ],
)
@pytest.mark.parametrize("nested", [False, True], ids=["at the top", "nested"])
def test_a_column_of_another_type_is_refused(
    kinds: tuple[pa.DataType, pa.DataType], *, nested: bool
) -> None:
    """Either way round, and the error names the column."""
    one, two = (
        pa.schema([("col", pa.list_(pa.struct([("deep", kind)])) if nested else kind)])
        for kind in kinds
    )
    for pair in ((one, two), (two, one)):
        with pytest.raises(TypeError, match="col"):
            unified(*pair)


def test_a_new_column_that_must_have_a_value_may_lack_it_now() -> None:
    """What a foreign writer declared as never null is null in the rows before."""
    other = pa.schema([pa.field("b", TEXT, nullable=False)])
    schema = unified(pa.schema([("a", TEXT)]), other)
    assert [field.nullable for field in schema] == [True, True]


def test_a_value_that_nothing_can_be_put_for_is_refused() -> None:
    """Within a struct a foreign writer's `not null` stays, so rows without it do not fit."""
    inner = [pa.field("a", TEXT), pa.field("b", TEXT, nullable=False)]
    old = pa.record_batch({"s": pa.array([{"a": "x"}], pa.struct(inner[:1]))})
    schema = unified(old.schema, pa.schema([("s", pa.struct(inner))]))
    with pytest.raises(TypeError, match="`b`"):
        conform(old, schema)
