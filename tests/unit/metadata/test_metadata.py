from pathlib import Path

import pyarrow as pa
import pytest

from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.metadata import (
    Metadata,
    Property,
    csv_path,
    graph_metadata,
    read_csv,
    read_rows,
    write_csv,
    write_rows,
)
from include.entra_logs.metadata import compare as compare_command
from include.entra_logs.metadata.compare import added, differences
from include.entra_logs.metadata.csdl import read_csdl
from include.entra_logs.schema import column_name, flattened, snake_case

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


def test_the_csv_survives_writing_and_reading(tmp_path: Path) -> None:
    """The project's metadata is the same after a round through its file."""
    ours = graph_metadata()
    assert read_rows(write_rows(ours)) == ours
    write_csv(ours, tmp_path / "copy.csv")
    assert (tmp_path / "copy.csv").read_bytes() == csv_path("v1.0").read_bytes()


def test_every_entity_of_the_catalogue_is_declared_with_all_it_reaches() -> None:
    """No property has a type that the CSV leaves out."""
    ours = graph_metadata()
    for api in CATALOGUE.values():
        for name in ours.reachable(api.table.entity):
            for prop in ours.types.get(name, ()):
                known = prop.edm_type.startswith("Edm.")
                assert known or prop.edm_type in ours.types.keys() | ours.enums.keys()


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


def test_the_command_tells_and_adds(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """It exits 1 where the files differ, and with --add takes what is new into the CSV."""
    copy = tmp_path / "v1.0.csv"
    copy.write_bytes(csv_path("v1.0").read_bytes())
    monkeypatch.setattr(compare_command, "csv_path", lambda _: copy)
    assert compare_command.main([str(copy)]) == 0
    assert capsys.readouterr().out == "no difference\n"
    assert compare_command.main([str(document)]) == 1
    assert "+ signIn.users Collection(userIdentity)" in capsys.readouterr().out
    assert compare_command.main([str(document), "--add"]) == 0
    names = [prop.name for prop in read_csv(copy).types["signIn"]]
    before = [prop.name for prop in graph_metadata().types["signIn"]]
    assert names == [*before, "users", "other"]


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
