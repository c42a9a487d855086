"""The command that brings a type: from each form of file, only ever adding."""

import json
import shutil
from pathlib import Path

import pytest

from include.entra_logs.metadata import Metadata, csv_path, graph_metadata, read_csv
from include.entra_logs.metadata import take as take_command
from include.entra_logs.metadata.wording import NO_MEANING

CSDL = """<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
 <edmx:DataServices>
  <Schema Namespace="microsoft.graph" Alias="graph" xmlns="http://docs.oasis-open.org/odata/ns/edm">
   <EntityType Name="entity" Abstract="true"><Property Name="id" Type="Edm.String" Nullable="false"/></EntityType>
   <EnumType Name="mood"><Member Name="none" Value="0"/><Member Name="good" Value="1"/></EnumType>
   <ComplexType Name="open" OpenType="true"/>
   <ComplexType Name="detail"><Property Name="text" Type="Edm.String"/><Property Name="more" Type="graph.open"/></ComplexType>
   <EntityType Name="thing" BaseType="graph.entity">
    <Property Name="happenedDateTime" Type="Edm.DateTimeOffset"/>
    <Property Name="mood" Type="graph.mood"/>
    <Property Name="size" Type="Edm.Int64"/>
    <Property Name="appId" Type="Edm.String"/>
    <Property Name="details" Type="Collection(graph.detail)"/>
   </EntityType>
   <Annotations Target="microsoft.graph.thing/size">
    <Annotation Term="Org.OData.Core.V1.Description" String="How large it is."/>
   </Annotations>
  </Schema>
 </edmx:DataServices>
</edmx:Edmx>
"""  # noqa: E501 - one element per line reads best
LISTING = """version,typeKind,type,property,edmType,collection,nullable,source,enumMembers
beta,EntityType,microsoft.graph.thing,,,,,sdk@1 (base=microsoft.graph.entity),
beta,EntityType,microsoft.graph.thing,happenedDateTime,Edm.DateTimeOffset,False,False,sdk@1,
v1.0,EntityType,microsoft.graph.thing,old,Edm.String,False,True,sdk@1,
beta,EntityType,microsoft.graph.thing,links,microsoft.graph.thing,True,True,sdk@1 (navigation),
beta,EntityType,microsoft.graph.thing,by,microsoft.graph.person,False,unknown,sdk@1,
beta,EntityType,microsoft.graph.thing,kind,microsoft.graph.security.kind,False,True,sdk@1,
beta,EntityType,microsoft.graph.thing,status,microsoft.graph.signInStatus,False,True,sdk@1,
beta,EntityType,microsoft.graph.thing,lost,microsoft.graph.nowhere,False,True,sdk@1,
beta,ComplexType,microsoft.graph.person,,,,,sdk@1 (base=microsoft.graph.named),
beta,ComplexType,microsoft.graph.person,age,Edm.Int32,False,True,sdk@1,
beta,ComplexType,microsoft.graph.named,name,Edm.String,False,True,sdk@1,
beta,EnumType,microsoft.graph.security.kind,,,,,sdk@1,small=1|large=2|unknownFutureValue=None
beta,EntityType,microsoft.graph.plain,at,Edm.DateTimeOffset,False,True,sdk@1,
beta,ComplexType,microsoft.graph.orphan,,,,,sdk@1 (base=microsoft.graph.gone),
"""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of copies that the command writes instead of the project's own CSVs."""
    folder = tmp_path / "own"
    folder.mkdir()
    for version in ("v1.0", "beta"):
        shutil.copy(csv_path(version), folder)
    monkeypatch.setattr(take_command, "csv_path", lambda version: folder / f"{version}.csv")
    return folder


@pytest.fixture
def csdl(tmp_path: Path) -> Path:
    """A small document of Microsoft's form."""
    path = tmp_path / "metadata.xml"
    path.write_text(CSDL)
    return path


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    """A small list of properties."""
    path = tmp_path / "list.csv"
    path.write_text(LISTING)
    return path


def taken(own: Path, version: str) -> Metadata:
    """What the command left in the CSV; all that was there before is still there, unchanged."""
    now, before = read_csv(own / f"{version}.csv", version), graph_metadata(version)
    for name, properties in before.types.items():
        assert now.types[name][: len(properties)] == properties
    for name, members in before.enums.items():
        assert now.enums[name][: len(members)] == members
    return now


def test_a_type_comes_with_all_it_reaches(
    own: Path, csdl: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From Microsoft's document: words of its own, then of like-named properties, then honest."""
    assert take_command.main(["thing", "--from", str(csdl)]) == 0
    assert "+ thing.details Collection(detail)" in capsys.readouterr().out
    now = taken(own, "v1.0")
    found = {prop.name: prop for prop in now.properties("thing")}
    assert [*found] == ["id", "happenedDateTime", "mood", "size", "appId", "details"]
    assert (found["size"].meaning, found["size"].example) == ("How large it is.", "4200000000")
    app_ids = [p.example for p in now.properties("signIn") if p.name == "appId"]
    assert [found["appId"].example] == app_ids
    assert (found["mood"].example, found["mood"].meaning) == ("good", NO_MEANING)
    assert found["happenedDateTime"].example.endswith("Z")
    assert found["details"].example == ""
    assert [prop.name for prop in now.properties("detail")] == ["text", "more"]
    assert (now.properties("open"), now.enums["mood"]) == ((), ("none", "good"))


def test_taking_twice_changes_nothing(
    own: Path, csdl: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second time there is nothing new."""
    take_command.main(["thing", "--from", str(csdl)])
    once = (own / "v1.0.csv").read_bytes()
    capsys.readouterr()
    assert take_command.main(["thing", "--from", str(csdl)]) == 0
    assert capsys.readouterr().out == "nothing new\n"
    assert (own / "v1.0.csv").read_bytes() == once


def test_a_list_is_read_with_inheritance(
    own: Path, listing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows of its version alone, bases first, no navigation; what nobody describes is told."""
    assert take_command.main(["thing", "plain", "--version", "beta", "--from", str(listing)]) == 0
    assert "? nowhere: the file does not describe it" in capsys.readouterr().out
    now = taken(own, "beta")
    found = {prop.name: prop for prop in now.properties("thing")}
    assert [*found] == ["id", "happenedDateTime", "by", "kind", "status", "lost"]
    assert [found[n].nullable for n in ("id", "happenedDateTime", "by")] == [False, False, True]
    assert found["kind"].edm_type == "microsoft.graph.security.kind"
    assert now.enums["microsoft.graph.security.kind"] == ("small", "large", "unknownFutureValue")
    assert [prop.name for prop in now.properties("person")] == ["name", "age"]
    assert [prop.name for prop in now.properties("plain")] == ["id", "at"]
    assert now.properties("signInStatus") == graph_metadata("beta").properties("signInStatus")


def test_the_projects_own_form_is_read_too(own: Path, csdl: Path, tmp_path: Path) -> None:
    """What one copy took, another takes from it."""
    take_command.main(["thing", "--from", str(csdl)])
    file = tmp_path / "other.csv"
    shutil.copy(own / "v1.0.csv", file)
    assert take_command.main(["thing", "--version", "beta", "--from", str(file)]) == 0
    assert taken(own, "beta").properties("thing") == taken(own, "v1.0").properties("thing")


def test_without_a_type_all_known_ones_are_looked_at(own: Path, tmp_path: Path) -> None:
    """As the remedy for a property without a column says: new properties of known types."""
    file = tmp_path / "newer.xml"
    newer = CSDL.replace('Name="thing"', 'Name="signIn"').replace('Name="detail"', 'Name="x"')
    file.write_text(newer)
    assert take_command.main(["--from", str(file)]) == 0
    names = [prop.name for prop in taken(own, "v1.0").properties("signIn")]
    before = [prop.name for prop in graph_metadata().properties("signIn")]
    assert names == [*before, "happenedDateTime", "mood", "size", "details"]


@pytest.mark.parametrize("bare", [True, False], ids=["list", "page"])
def test_examples_come_from_the_sample(
    own: Path, csdl: Path, tmp_path: Path, *, bare: bool
) -> None:
    """The first real value of each property, at any depth; placeholders are none."""
    events = [
        {"id": "{id}", "appId": "", "size": 17, "mood": None, "details": [{"text": "in a list"}]},
        {"id": "real-id", "appId": "an-app", "size": 18, "details": []},
    ]
    page = tmp_path / "page.json"
    page.write_text(json.dumps(events if bare else {"value": events}))
    arguments = ["thing", "--from", str(csdl), "--sample", str(page)]
    assert take_command.main(arguments) == 0
    now = taken(own, "v1.0")
    found = {prop.name: prop.example for prop in now.properties("thing")}
    assert [found[n] for n in ("id", "appId", "size", "mood")] == [
        "real-id",
        "an-app",
        "17",
        "good",
    ]
    assert now.properties("detail")[0].example == "in a list"


@pytest.mark.parametrize(
    ("arguments", "text", "says"),
    [
        (["other"], CSDL, "declares no type other"),
        (["thing", "other"], CSDL, "declares no type other of Graph v1.0"),
        (["orphan", "--version", "beta"], LISTING, "orphan inherits from gone"),
        (["thing"], "<edmx:Edmx", "cannot be read"),
        (["thing"], "a,b\n1,2\n", "neither"),
        (["thing"], None, "cannot be read"),
        (["thing", "--sample", __file__], CSDL, "cannot be read"),
    ],
    ids=["unknown", "one unknown", "no base", "no XML", "header", "no file", "sample"],
)
def test_what_cannot_be_used_is_one_sentence(
    own: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str | None,
    says: str,
) -> None:
    """It exits 1 without a traceback, and takes nothing."""
    file = tmp_path / "given"
    if text is not None:
        file.write_text(text)
    assert take_command.main([*arguments, "--from", str(file)]) == 1
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
    for version in ("v1.0", "beta"):
        assert (own / f"{version}.csv").read_bytes() == csv_path(version).read_bytes()
