import json
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.normalise import rebuild_event
from include.entra_logs.normalise.groups import GroupReader
from include.entra_logs.normalise.undeclared import UndeclaredReader
from tests.kit.events import (
    EVER,
    READ_AT,
    Page,
    Spelled,
    Twice,
    declared_event,
    page_of,
    run,
    write,
)

SIGN_INS = CATALOGUE["sign_ins"]
AUDITS = CATALOGUE["directory_audits"]
BASE = {"id": "a", "createdDateTime": "2026-11-22T08:00:00Z"}


def one(tmp_path: Path, **more: Any) -> dict[str, Any]:
    """The row of a sign-in with the members; a second, plain event has to stay as it is."""
    plain = {**BASE, "id": "b", "appId": "plain"}
    done, rows = run(SIGN_INS, [page_of([BASE | more, plain])], tmp_path)
    assert (done.rejects, rows[1]["app_id"], rows[1]["_extra"]) == (0, "plain", None)
    return rows[0]


def test_declared_events_take_the_fast_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages just as declared, all APIs, NULs and empty lists included, never meet the slow path."""
    monkeypatch.setattr(UndeclaredReader, "clean", lambda *_: pytest.fail("slow path taken"))
    for api in CATALOGUE.values():
        pages = [page_of([declared_event(api, page * 9 + n) for n in range(9)]) for page in (0, 1)]
        done, rows = run(api, pages, tmp_path)
        assert (len(rows), done.surprises) == (18, {})


ERROR = "status_error_code"
OFFSET = "2026-11-22T10:00:00+02:00"
ONE_DIGIT = "2026-11-22T8:00:00Z"


@pytest.mark.parametrize(
    ("more", "column", "value", "extra"),
    [
        ({"newThing": 1}, "app_id", None, {"newThing": 1}),
        ({"ID": "x"}, "id", "a", {"ID": "x"}),
        ({"status_errorCode": 7}, ERROR, None, {"status_errorCode": 7}),
        ({"status_error_code": 7}, ERROR, None, {"status_error_code": 7}),
        ({"_extra": "x"}, "app_id", None, {"_extra": "x"}),
        ({"appId": 5}, "app_id", None, {"appId": 5}),
        ({"isInteractive": "true"}, "is_interactive", None, {"isInteractive": "true"}),
        ({"isInteractive": 1}, "is_interactive", None, {"isInteractive": 1}),
        ({"status": "ok"}, ERROR, None, {"status": "ok"}),
        ({"status": []}, ERROR, None, {"status": []}),
        ({"status": {"errorCode": 1, "x": 2}}, ERROR, 1, {"status": {"x": 2}}),
        ({"status": {"errorCode": 1.5}}, ERROR, None, {"status": {"errorCode": 1.5}}),
        ({"status": {"errorCode": 2**31}}, ERROR, None, {"status": {"errorCode": 2**31}}),
        ({"status": {"errorCode": True}}, ERROR, None, {"status": {"errorCode": True}}),
        ({"riskEventTypes": ["a", 1]}, "risk_event_types", ["a"], {"riskEventTypes": ["a", 1]}),
        ({"riskEventTypes": "a"}, "risk_event_types", None, {"riskEventTypes": "a"}),
        ({"riskEventTypes": [None, "a"]}, "risk_event_types", [None, "a"], None),
        ({"riskEventTypes": []}, "risk_event_types", [], None),
        ({"riskEventTypes": None, "x": None}, "risk_event_types", None, None),
        ({"appId": {}, "x": {}}, "app_id", None, None),
        ({"appId": "\ud800"}, "app_id", None, {"appId": "\ud800"}),
        ({"appId": "a\u0000b", "x": 1}, "app_id", "a\u0000b", {"x": 1}),
        ({"appId": Twice("first", "last")}, "app_id", "last", None),
        ({"createdDateTime": OFFSET}, "app_id", None, {"createdDateTime": OFFSET}),
        ({"createdDateTime": ONE_DIGIT}, "app_id", None, {"createdDateTime": ONE_DIGIT}),
    ],
    ids=lambda value: json.dumps(value, default=str)[:40] if isinstance(value, dict) else "",
)
def test_what_does_not_fit_goes_to_extra(
    tmp_path: Path, more: dict[str, Any], column: str, value: Any, extra: Any
) -> None:
    """Of that event only, nested as Graph sent it; the rest of the event stays in its columns."""
    row = one(tmp_path, **more)
    assert row[column] == value
    assert (json.loads(row["_extra"]) if row["_extra"] else None) == extra
    assert row["created_date_time"].isoformat() == "2026-11-22T08:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "column", "extra"),
    [
        ("49", 49.0, None),
        ("-0.0", 0.0, None),
        ("9007199254740992", 9007199254740992.0, None),
        ("9007199254740993", None, "9007199254740993"),
        ("1e300", 1e300, None),
        ("1e400", None, "1e400"),
        ("-1E400", None, "-1E400"),
        ("123456789012345678901234567890", None, "123456789012345678901234567890"),
        ("1" * 5000, None, "1" * 5000),
        ('"49"', None, '"49"'),
    ],
    ids=lambda value: str(value)[:20],
)
def test_numbers_that_a_double_changes_stay_as_text(
    tmp_path: Path, text: str, column: float | None, extra: str | None
) -> None:
    """A double holds what it can hold exactly; the rest is kept digit for digit."""
    row = one(tmp_path, location={"geoCoordinates": {"latitude": Spelled(text)}})
    assert row["location_geo_coordinates_latitude"] == column
    path = '{"location":{"geoCoordinates":{"latitude":'
    assert row["_extra"] == (None if extra is None else f"{path}{extra}}}}}}}")


@pytest.mark.parametrize(
    "text",
    ["1e400", "1.10", "1" * 5000, "9" * 30, '"\\ud800"', "[" * 5000 + "]" * 5000,
     '{"a":' * 3000 + "1" + "}" * 3000, '"' + "x" * 2_000_000 + '"', '{"a":1,"a":2}'],
    ids=lambda text: text[:20],
)  # fmt: skip
@pytest.mark.parametrize("known", [False, True], ids=["first met", "met before"])
def test_a_new_property_is_kept_whatever_it_holds(
    tmp_path: Path, text: str, *, known: bool
) -> None:
    """Odd numbers, lone surrogates, thousands of levels, megabytes: all of it is in `_extra`."""
    before = [page_of([{**BASE, "id": "0", "newThing": 1}])] if known else []
    page = page_of([BASE | {"newThing": Spelled(text)}])
    done, rows = run(SIGN_INS, [*before, page], tmp_path)
    kept = rows[-1]["_extra"]
    assert done.distinct == len(before) + 1
    assert kept.startswith('{"newThing":')
    if not text.startswith(("1.10", '{"a":1,')):
        assert kept == f'{{"newThing":{text}}}'
    assert rebuild_event(rows[-1], SIGN_INS.table)["newThing"] is not None


def test_an_id_with_a_lone_surrogate_is_kept_escaped(tmp_path: Path) -> None:
    """No text column can hold it as it is; its original is in `_extra`."""
    _, rows = run(SIGN_INS, [page_of([BASE | {"id": "x\ud800"}])], tmp_path)
    assert rows[0]["id"] == "x\\ud800"
    assert rebuild_event(rows[0], SIGN_INS.table)["id"] == "x\ud800"


def test_bytes_that_are_not_utf_8_are_kept(tmp_path: Path) -> None:
    """Such a value goes to `_extra` with its bytes escaped, and the page's other events load."""
    body = page_of([BASE | {"appId": "?", "userId": "u"}, BASE | {"id": "b"}]).body
    _, rows = run(SIGN_INS, [Page(EVER, body.replace(b"?", b"\xff"))], tmp_path)
    assert [(row["app_id"], row["user_id"]) for row in rows] == [(None, "u"), (None, None)]
    assert json.loads(rows[0]["_extra"]) == {"appId": "\udcff"}


def test_lists_of_objects_keep_what_fits_and_the_whole_original(tmp_path: Path) -> None:
    """An item with a new or flipped member stays in the column without it; the list is in extra."""
    targets = [{"id": "x", "Type": "Group"}, None, {"id": 5, "displayName": "y"}, "odd"]
    event = {"id": "a", "activityDateTime": "2026-11-22T08:00:00Z", "targetResources": targets}
    done, rows = run(AUDITS, [page_of([event])], tmp_path)
    kept = rows[0]["target_resources"]
    assert [item and (item["id"], item["display_name"]) for item in kept] == [
        ("x", None), None, (None, "y"),
    ]  # fmt: skip
    assert json.loads(rows[0]["_extra"]) == {"targetResources": targets}
    assert done.surprises == {
        "targetResources[].Type: string": 1,
        "targetResources[].id: number": 1,
        "targetResources[]: string": 1,
    }


def test_surprises_name_paths_and_types_never_values(tmp_path: Path) -> None:
    """Counted once per event, whichever path read it; names are ASCII and short."""
    events = [
        {**BASE, "id": str(n), "status": {"secret\n": "hunter2"}, "näme" * 100: 1, "none": None}
        for n in range(3)
    ]
    done, _ = run(SIGN_INS, [page_of(events[:1]), page_of(events[1:])], tmp_path)
    assert set(done.surprises.values()) == {3}
    assert {"none: null", "status.secret\\n: string"} <= set(done.surprises)
    assert all(name.isascii() and len(name) < 140 for name in done.surprises)
    assert "hunter2" not in str(done.surprises)


def test_many_new_names_are_counted_together(tmp_path: Path) -> None:
    """A sender of endless names costs no memory: 200 are told apart, the others counted."""
    event = BASE | {f"name{n}": n for n in range(500)}
    done, rows = run(SIGN_INS, [page_of([event])], tmp_path)
    assert len(done.surprises) == 201
    assert done.surprises["(others)"] == 300
    assert len(json.loads(rows[0]["_extra"])) == 500


def test_known_new_properties_skip_the_slow_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a new name was met, pages with it are read natively, nested ones too, byte for byte."""
    cleaned = []
    clean = UndeclaredReader.clean
    monkeypatch.setattr(
        UndeclaredReader, "clean", lambda self, body: cleaned.append(1) or clean(self, body)
    )
    pages = [
        page_of(
            {**BASE, "id": f"{page}/{n}", "new": [Spelled("1.10")]}
            | {"status": {"errorCode": n, "why": "x"}}
            for n in range(5)
        )
        for page in range(4)
    ]  # fmt: skip
    done, rows = run(SIGN_INS, pages, tmp_path)
    assert len(cleaned) == 1
    assert {row["_extra"] for row in rows[5:]} == {'{"new":[1.10],"status":{"why":"x"}}'}
    assert [row["status_error_code"] for row in rows] == [0, 1, 2, 3, 4] * 4
    assert done.surprises == {"new: array": 20, "status.why: string": 20}


def test_pretty_printed_pages_read_alike(tmp_path: Path) -> None:
    """Line breaks and a byte order mark change nothing."""
    events = [declared_event(SIGN_INS, number) for number in range(3)]
    compact = page_of(events)
    pretty = b"\xef\xbb\xbf" + json.dumps(json.loads(compact.body), indent=2).encode()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _, rows = run(SIGN_INS, [compact], tmp_path / "a")
    _, others = run(SIGN_INS, [Page(EVER, pretty), Page(EVER, pretty)], tmp_path / "b")
    assert rows == others


def test_unknown_members_of_the_page_itself_are_no_surprise(tmp_path: Path) -> None:
    """New annotations beside `value` are passed over."""
    body = b'{"@odata.new":{"a":1},"value":[' + write(BASE).encode() + b"]}"
    done, rows = run(SIGN_INS, [Page(EVER, body)], tmp_path)
    assert (len(rows), rows[0]["_extra"], done.surprises) == (1, None, {})


@pytest.mark.parametrize("known", [False, True], ids=["first met", "met before"])
def test_annotations_are_no_properties(tmp_path: Path, *, known: bool) -> None:
    """What OData says about an event is kept in `_extra`, and told to nobody as something new."""
    noted = {"@odata.type": "#x", "status@odata.context": "y", "status": {"@odata.id": "z"}}
    before = [page_of([{**BASE, "id": "0"} | noted])] if known else []
    done, rows = run(SIGN_INS, [*before, page_of([BASE | noted | {"new": 1}])], tmp_path)
    assert json.loads(rows[-1]["_extra"]) == noted | {"new": 1}
    assert done.surprises == {"new: number": 1}


def test_groups_of_drifted_pages_are_read_at_once(tmp_path: Path) -> None:
    """Every event of every page counts once; `null` and `{}` of a new property are nothing."""
    pages = [
        page_of(
            {**BASE, "id": f"{page}/{n}", "new": value} for n, value in enumerate((1, None, {}))
        )
        for page in range(4)
    ]
    reader = GroupReader(SIGN_INS.table, SIGN_INS.table.event_time, EVER, READ_AT)
    reader.read(pages[:1])
    table = reader.read(pages[1:])
    assert table["_extra"].to_pylist() == ['{"new":1}', None, None] * 3
    assert reader.surprises.told() == {"new: null": 4, "new: number": 4, "new: object": 4}
    assert reader.events == 12
