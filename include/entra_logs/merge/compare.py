"""Which rows of two aligned columns differ, vectorised, nested types included."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]


def differing(one: pa.RecordBatch, two: pa.RecordBatch, names: list[str]) -> Mask:
    """True for each row that differs in one of the columns; null equals null, NaN equals NaN."""
    found = np.zeros(one.num_rows, dtype=np.bool_)
    for name in names:
        found |= different(one.column(name), two.column(name))
    return found


def different(one: pa.Array, two: pa.Array) -> Mask:
    """True for each row in which the two arrays, of one type and length, differ."""
    if one.equals(two):
        return np.zeros(len(one), dtype=np.bool_)
    if pa.types.is_dictionary(one.type):
        one, two = one.dictionary_decode(), two.dictionary_decode()
    if pa.types.is_struct(one.type):
        return _different_structs(one, two)
    if pa.types.is_list(one.type):
        return _different_lists(one, two)
    if pa.types.is_floating(one.type):
        one, two = _bits(one), _bits(two)
    unequal = _mask(pc.fill_null(pc.not_equal(one, two), False))
    return unequal | _nulls_differ(one, two)


def _different_structs(one: pa.Array, two: pa.Array) -> Mask:
    found = _nulls_differ(one, two)
    for left, right in zip(one.flatten(), two.flatten(), strict=True):
        found |= different(left, right)
    return found


def _different_lists(one: pa.Array, two: pa.Array) -> Mask:
    left, right = (pc.fill_null(pc.list_value_length(a), -1) for a in (one, two))
    found = _mask(pc.not_equal(left, right))
    same = np.flatnonzero(~found)
    rows = pa.array(same)
    one, two = one.take(rows), two.take(rows)
    parents = pc.list_parent_indices(one).to_numpy(zero_copy_only=False)
    inner = different(one.flatten(), two.flatten())
    found[same[parents[inner]]] = True
    return found


def _nulls_differ(one: pa.Array, two: pa.Array) -> Mask:
    return _mask(pc.not_equal(one.is_null(), two.is_null()))


def _mask(array: pa.Array) -> Mask:
    return np.array(array.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _bits(array: pa.Array) -> pa.Array:
    return array.cast(pa.float64()).view(pa.int64())
