from pathlib import Path

import pyarrow as pa
import pytest

from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.metadata import (
    Metadata,
    Property,
    csv_path,
    graph_metadata,
    read_rows,
    write_csv,
    write_rows,
)
from include.entra_logs.metadata import compare as compare_command
from include.entra_logs.metadata.compare import differences
from include.entra_logs.metadata.csdl import read_csdl
from include.entra_logs.metadata.take import added
from include.entra_logs.schema import (
    SCALARS,
    column_name,
    columns,
    event_shape,
    flattened,
    snake_case,
)
from include.entra_logs.table import Table

CSDL = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
 <edmx:DataServices>
  <Schema Namespace="microsoft.graph" Alias="graph" xmlns="http://docs.oasis-open.org/odata/ns/edm">
   <EntityType Name="entity" Abstract="true"><Property Name="id" Type="Edm.String" Nullable="false"/></EntityType>
   <EnumType Name="level"><Member Name="low" Value="0"/><Member Name="high" Value="1"/></EnumType>
   <ComplexType Name="identity" OpenType="true"><Property Name="displayName" Type="Edm.String"/></ComplexType>
   <ComplexType Name="userIdentity" BaseType="graph.identity"><Property Name="level" Type="graph.level"/></ComplexType>
   <EntityType Name="signIn" BaseType="microsoft.graph.entity">
    <Property Name="users" Type="Collection(graph.userIdentity)"/>
    <Property Name="other" Type="microsoft.graph.security.thing"/>
    <NavigationProperty Name="links" Type="Collection(graph.entity)"/>
   </EntityType>
   <EntityType Name="unrelated"><Property Name="x" Type="Edm.String"/></EntityType>
   <Annotations Target="microsoft.graph.signIn/users">
    <Annotation Term="Org.OData.Core.V1.Description" String="Who signed in."/>
   </Annotations>
  </Schema>
  <Schema Namespace="microsoft.graph.security" xmlns="http://docs.oasis-open.org/odata/ns/edm">
   <ComplexType Name="thing"><Property Name="count" Type="Edm.Int32"/></ComplexType>
   <ComplexType Name="identity"><Property Name="wrong" Type="Edm.String"/></ComplexType>
  </Schema>
 </edmx:DataServices>
</edmx:Edmx>
"""  # noqa: E501 - one element per line reads best


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A small metadata document."""
    path = tmp_path / "metadata.xml"
    path.write_text(CSDL)
    return path


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("status.errorCode", "status_error_code"),
        ("riskEventTypes_v2", "risk_event_types_v2"),
        ("location.geoCoordinates.latitude", "location_geo_coordinates_latitude"),
        ("initiatedBy.user.ipAddress", "initiated_by_user_ip_address"),
        ("isMFARequired", "is_mfa_required"),
        ("IPAddress", "ip_address"),
        ("id", "id"),
    ],
)
def test_columns_are_named_by_their_path(path: str, column: str) -> None:
    """Snake case, joined by `_`."""
    assert column_name(path) == column


def test_snake_case_leaves_snake_case_alone() -> None:
    """A name that is a column's already stays."""
    assert snake_case("already_snake_2") == "already_snake_2"


def test_csdl_is_read_with_inherited_members_and_namespaces(document: Path) -> None:
    """Inherited members first, other namespaces by their full name, navigation left out."""
    found = read_csdl(document, ["signIn", "missing"])
    assert {name: [p.name for p in props] for name, props in found.types.items()} == {
        "signIn": ["id", "users", "other"],
        "userIdentity": ["displayName", "level"],
        "microsoft.graph.security.thing": ["count"],
    }
    users = found.types["signIn"][1]
    assert (users.edm_type, users.collection, users.meaning) == (
        "userIdentity", True, "Who signed in.",
    )  # fmt: skip
    assert found.enums == {"level": ("low", "high")}
    assert not found.types["signIn"][0].nullable
    columns = {column.name: column.type for column in flattened(found, "signIn")}
    assert columns["other_count"] == pa.int32()
    assert columns["users"].value_type.field("level").type == pa.string()


@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_the_csv_survives_writing_and_reading(version: str, tmp_path: Path) -> None:
    """The project's metadata is the same after a round through its file."""
    ours = graph_metadata(version)
    assert read_rows(write_rows(ours), version) == ours
    write_csv(ours, tmp_path / "copy.csv")
    assert (tmp_path / "copy.csv").read_bytes() == csv_path(version).read_bytes()


@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_every_type_is_there_with_all_it_reaches(version: str) -> None:
    """No property has a type that the CSV leaves out; each has a meaning, a scalar an example."""
    ours = graph_metadata(version)
    entities = {api.table.entity for api in CATALOGUE.values() if api.table.version == version}
    assert entities <= ours.types.keys()
    for name, properties in ours.types.items():
        for prop in properties:
            known = prop.edm_type in SCALARS
            assert known or prop.edm_type in ours.types.keys() | ours.enums.keys(), prop
            assert len(prop.meaning) > 10, f"{name}.{prop.name}"
            assert bool(prop.example) != ours.is_object(prop.edm_type), f"{name}.{prop.name}"


def test_beta_has_all_that_v1_has() -> None:
    """But `riskEventTypes` of signIn, which beta dropped; no shared property differs in type."""
    beta = graph_metadata("beta")
    for entity in ("signIn", "directoryAudit", "riskDetection"):
        ours = {prop.name: prop.edm_type for prop in graph_metadata().properties(entity)}
        theirs = {prop.name: prop.edm_type for prop in beta.properties(entity)}
        assert ours.keys() - theirs.keys() <= {"riskEventTypes"}
        assert {n for n in ours.keys() & theirs.keys() if ours[n] != theirs[n]} == set()


@pytest.mark.parametrize("version", ["v1.0", "beta", "v2.0"])
def test_an_unknown_type_is_told_with_the_command_that_brings_it(version: str) -> None:
    """A table of a type, or a version, that the project's CSV does not know says so at once."""
    table = Table(name="x", title="X", entity="newThing", event_time="at", version=version)
    for ask in (columns, event_shape):
        with pytest.raises(ValueError, match="has no type newThing") as e:
            ask(table)
        assert f"metadata.take newThing --version {version} --from FILE" in str(e.value)


def test_a_list_of_objects_without_properties_has_no_column() -> None:
    """Parquet could not hold it; `_extra` has it."""
    listed = Property("t", "a", "open", collection=True)
    known = Metadata({"t": (listed, Property("t", "b", "open")), "open": ()})
    assert read_rows(write_rows(known)) == known
    assert flattened(known, "t") == []


def test_a_newer_file_is_compared_and_only_ever_added_to() -> None:
    """New, gone and retyped properties are told; adding keeps every old one as it was."""
    old = Metadata(
        {"signIn": (Property("signIn", "a", "Edm.String"), Property("signIn", "b", "Edm.Int32"))},
        {"level": ("low",)},
    )
    new = Metadata(
        {
            "signIn": (
                Property("signIn", "b", "Edm.String"),
                Property("signIn", "c", "detail", collection=True),
            ),
            "detail": (Property("detail", "x", "level"),),
        },
        {"level": ("low", "high")},
    )
    assert list(differences(old, new)) == [
        "+ detail.x level",
        "- signIn.a: the column stays, empty from now on",
        "! signIn.b Edm.Int32 -> Edm.String: the column stays, values go to _extra",
        "+ signIn.c Collection(detail)",
        "+ level = high",
    ]
    joined = added(old, new)
    assert joined.types["signIn"] == (*old.types["signIn"], new.types["signIn"][1])
    assert joined.enums == {"level": ("low", "high")}
    assert list(differences(joined, joined)) == []


def test_a_string_that_becomes_an_enum_is_no_difference() -> None:
    """Both are text columns."""
    old = Metadata({"t": (Property("t", "a", "Edm.String"),)})
    new = Metadata({"t": (Property("t", "a", "level"),)}, {"level": ("low",)})
    assert list(differences(old, new)) == []


def test_the_command_tells_what_differs(
    document: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It exits 1 where the files differ, and where the file is none; every type is compared."""
    assert compare_command.main([str(csv_path("v1.0"))]) == 0
    assert compare_command.main([str(csv_path("beta")), "--version", "beta"]) == 0
    assert capsys.readouterr().out == "no difference\n" * 2
    assert compare_command.main([str(document)]) == 1
    told = capsys.readouterr().out
    assert "+ signIn.users Collection(userIdentity)" in told
    assert "- riskDetection.id: the column stays" in told
    assert compare_command.main([str(tmp_path / "none.xml")]) == 1
    assert "none.xml cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ([Property("t", "inner", "t")], "a type that contains itself"),
        ([Property("t", "a", "Edm.Stream")], "no column type for Edm.Stream"),
    ],
    ids=["recursive", "unknown scalar"],
)
def test_what_cannot_be_a_column_is_named(properties: list[Property], says: str) -> None:
    """The declaration fails at once and says which property it is."""
    with pytest.raises(ValueError, match=says):
        flattened(Metadata({"t": tuple(properties)}), "t")
