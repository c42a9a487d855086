"""What every API of the catalogue keeps: its columns, its docs, its sample pages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from include.entra_logs.api import Api
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.docs import dictionary
from include.entra_logs.metadata import Property, graph_metadata
from include.entra_logs.normalise import rebuild_event
from include.entra_logs.schema import ADDED, SCALARS, column_name, columns, table_schema
from tests.kit.events import EVER, Page, micros, run

SAMPLES = Path(__file__).with_name("samples")
every_api = pytest.mark.parametrize("api", CATALOGUE.values(), ids=lambda api: api.name)


def scalars(api: Api, type_name: str, path: str = "") -> Iterator[tuple[str, Property]]:
    """Every declared property that is no object, with its path; `[]` marks lists of objects."""
    metadata = graph_metadata(api.table.version)
    for prop in metadata.properties(type_name):
        here = f"{path}{prop.name}"
        if prop.edm_type in metadata.types:
            yield from scalars(api, prop.edm_type, here + ("[]." if prop.collection else "."))
        else:
            yield here, prop


def type_at(schema: pa.Schema, path: str) -> pa.DataType:
    """The Arrow type of a property by its path, through lists of structs."""
    first, *inner = path.split("[].")
    kind = schema.field(column_name(first)).type
    for part in inner:
        kind = kind.value_type.field(column_name(part)).type
    return kind


@every_api
def test_every_declared_property_has_its_column(api: Api) -> None:
    """Typed as declared: enums are strings, collections lists, times UTC in microseconds."""
    metadata = graph_metadata(api.table.version)
    expected = {
        "Edm.String": pa.string(),
        "Edm.Guid": pa.string(),
        "Edm.Date": pa.string(),
        "Edm.TimeOfDay": pa.string(),
        "Edm.Duration": pa.string(),
        "Edm.Binary": pa.string(),
        "Edm.Boolean": pa.bool_(),
        "Edm.Int16": pa.int32(),
        "Edm.Int32": pa.int32(),
        "Edm.Int64": pa.int64(),
        "Edm.Single": pa.float64(),
        "Edm.Double": pa.float64(),
        "Edm.DateTimeOffset": pa.timestamp("us", "UTC"),
    }
    assert expected == SCALARS
    found = list(scalars(api, api.table.entity))
    assert {"id", api.table.event_time} <= {path for path, _ in found}
    for path, prop in found:
        item = pa.string() if prop.edm_type in metadata.enums else expected[prop.edm_type]
        assert type_at(table_schema(api.table), path) == (
            pa.list_(item) if prop.collection else item
        )


@every_api
def test_the_declaration_names_real_properties(api: Api) -> None:
    """Identity and version are declared; the added columns stand last."""
    names = {column.path for column in columns(api.table)}
    assert {("id",), (api.table.event_time,)} <= names
    assert api.table.updated_time is None or (api.table.updated_time,) in names
    assert table_schema(api.table).names[-3:] == [field.name for field in ADDED]


@every_api
def test_every_column_has_its_line_in_the_dictionary(api: Api) -> None:
    """With type, meaning, example and source; so does every field of a struct in a list."""
    lines = {row[0]: row for row in dictionary.rows(api)}
    wanted = {
        "[].".join(column_name(part) for part in path.split("[].")): path
        for path, _ in scalars(api, api.table.entity)
    }
    assert set(wanted) | set(table_schema(api.table).names) <= set(lines)
    for name, path in wanted.items():
        _, kind, meaning, example, source = lines[name]
        assert kind
        assert len(meaning) > 10, name
        assert example, name
        assert f"`{path}`" in source


def test_the_dictionary_is_fresh() -> None:
    """docs/data-dictionary.md is what `make docs` writes now."""
    assert dictionary.PATH.read_text(encoding="utf-8") == dictionary.document()


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_microsofts_own_examples_pass_through(sample: Path, tmp_path: Path) -> None:
    """Every event of the documentation's answers is loaded whole."""
    api = CATALOGUE[sample.name.partition(".")[0]]
    body = sample.read_bytes()
    done, rows = run(api, [Page(EVER, body)], tmp_path)
    sent = json.loads(body)["value"]
    assert (done.events, done.distinct, done.rejects) == (len(sent), len(rows), 0)
    assert [shape(rebuild_event(row, api.table)) for row in rows] == [
        shape(event) for event in sent
    ]


def test_every_api_has_a_sample() -> None:
    """A file in samples/ named by the API."""
    assert {path.name.partition(".")[0] for path in SAMPLES.glob("*.json")} == set(CATALOGUE)


def shape(value: Any) -> Any:
    """`value` without absent members, times cut to microseconds."""
    if isinstance(value, dict):
        kept = {name: shape(item) for name, item in sorted(value.items())}
        return {name: item for name, item in kept.items() if item not in (None, {})}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return micros(value)
