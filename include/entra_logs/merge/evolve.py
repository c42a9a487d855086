"""Schemas that grew: one schema that holds two, and batches brought to it.

Columns are only ever added, at the top or within structs; what a file lacks is null.
"""

import pyarrow as pa

from include.entra_logs.merge.partition_file import leaves


def unified(current: pa.Schema, other: pa.Schema) -> pa.Schema:
    """`current`, and after it what only `other` has. TypeError names a column that was retyped."""
    both = pa.unify_schemas([current, other])
    # pyarrow lets a null type, and a list of fixed length, become another type.
    kinds = dict(leaves(both))
    for path, kind in leaves(current) + leaves(other):
        if kinds.get(path) != kind:
            raise TypeError(f"column {path} is {kind} in one file only")
    return pa.schema([field.with_nullable(True) for field in both], both.metadata)


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """`batch` with exactly the columns of `schema`, which holds the batch's own.

    TypeError if the batch lacks a field within a struct that must not be null (none of ours is).
    """
    if batch.schema.equals(schema):
        return batch
    rows = batch.to_struct_array().cast(pa.struct(schema))
    return pa.RecordBatch.from_arrays(rows.flatten(), schema=schema)
