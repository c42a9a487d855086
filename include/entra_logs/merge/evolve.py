"""Schemas that grew: one schema that holds two, and batches brought to it.

Columns are only ever added, at the top or within structs; what a file lacks is null.
"""

import pyarrow as pa


def unified(current: pa.Schema, other: pa.Schema) -> pa.Schema:
    """`current`, and after it what only `other` has. TypeError names a column that was retyped."""
    fields = [
        pa.field(field.name, _wider(field.name, field.type, other.field(field.name).type))
        if field.name in other.names
        else field
        for field in current
    ]
    fields += [field for field in other if field.name not in current.names]
    return pa.schema(fields, metadata=current.metadata)


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """`batch` with exactly the columns of `schema`, which holds the batch's own."""
    if batch.schema.equals(schema):
        return batch
    have = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = [
        _widened(have[field.name], field.type)
        if field.name in have
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _wider(name: str, one: pa.DataType, two: pa.DataType) -> pa.DataType:
    if one.equals(two):
        return one
    if pa.types.is_struct(one) and pa.types.is_struct(two):
        inner = unified(pa.schema(list(one)), pa.schema(list(two)))
        return pa.struct(list(inner))
    if pa.types.is_list(one) and pa.types.is_list(two):
        return pa.list_(_wider(name, one.value_type, two.value_type))
    raise TypeError(f"column {name} is {one} and {two}")


def _widened(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.type.equals(kind):
        return array
    missing = array.is_null()
    if pa.types.is_list(kind):
        flat = _widened(array.flatten(), kind.value_type)
        offsets = pa.compute.fill_null(pa.compute.list_value_length(array), 0)
        ends = pa.compute.cumulative_sum(offsets).cast(pa.int32())
        starts = pa.concat_arrays([pa.array([0], pa.int32()), ends])
        return pa.ListArray.from_arrays(starts, flat, type=kind, mask=missing)
    children = dict(zip((f.name for f in array.type), array.flatten(), strict=True))
    made = [
        _widened(children[field.name], field.type)
        if field.name in children
        else pa.nulls(len(array), field.type)
        for field in kind
    ]
    return pa.StructArray.from_arrays(made, fields=list(kind), mask=missing)
