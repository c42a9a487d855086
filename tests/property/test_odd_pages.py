"""Pages that are JSON for others: the client takes them, normalise reads every event of them."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.errors import Transient
from include.entra_logs.graph.answers import body_check
from include.entra_logs.normalise import rebuild_event
from include.entra_logs.verbatim import Verbatim, dumps, loads
from tests.kit.budget import counted
from tests.kit.events import EVER, Page, page_of, run

API = CATALOGUE["sign_ins"]
AT = "2026-11-22T08:00:00Z"
check = body_check(API.table.event_time)

nested = st.tuples(
    st.sampled_from([("[", "]"), ('{"a":', "}"), ('[{"a":[', "]}]"), ('{"\\u0000":[1,', "]}")]),
    st.sampled_from([1, 50, 98, 101, 260, 1_100, 5_000, 100_000]),
    st.sampled_from(["1", '""', '"]}["', "null", "NaN", '"\\ud800"', "1e400"]),
).map(lambda found: found[0][0] * found[1] + found[2] + found[0][1] * found[1])
scalars = st.sampled_from(
    ["1e400", "-1e400", "1" * 5_000, "0." + "1" * 5_000, "-0", "1E-400", "NaN", "Infinity",
     "-Infinity", '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\\\ud800"', '"\\ud83d\\ude00"',
     '"\ufeff"', '"a\\/b"', '""', "true", "null", "[]", "{}", '"0.77777777777777777777e0"',
     "0.77777777777777777777e0", '"x' + "y" * 70_000 + '"']
)  # fmt: skip
values = st.one_of(scalars, nested)
keys = st.sampled_from(
    ["id", "createdDateTime", "appId", "status", "riskEventTypes", "location", "new", "a\\u0000b",
     "\\ud800", "", "@odata.type", "\\u0061ppId", "error", "deviceDetail", "isInteractive", "value"]
)  # fmt: skip
members = st.lists(st.tuples(keys, values), max_size=4)


@st.composite
def events(draw: st.DrawFn, number: int) -> str:
    """The text of an event, mostly with an identity, or of something that is none."""
    if draw(st.integers(0, 9)) == 0:
        return draw(values)
    own = [("id", f'"e{number}"'), ("createdDateTime", f'"{AT}"')]
    found = [*draw(members), *own] if draw(st.booleans()) else [*own, *draw(members)]
    return "{" + ",".join(f'"{name}":{value}' for name, value in found) + "}"


@contextmanager
def deeper() -> Iterator[None]:
    """Python's own parser as far as it goes."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(4_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def is_json(body: bytes) -> bool | None:
    """What Python's parser says; None where it gives up for the depth."""
    try:
        with deeper():
            json.loads(body.decode("utf-8-sig"))
    except RecursionError:
        return None
    except ValueError:
        return False
    return True


@pytest.mark.slow
@settings(max_examples=counted(quick=40, ci=600))
@given(data=st.data())
def test_every_event_is_a_row_or_a_reject(data: st.DataObject) -> None:
    """No page that is JSON for Python is refused by the client; none that it takes by normalise."""
    texts = [data.draw(events(number)) for number in range(data.draw(st.integers(0, 4)))]
    mark = data.draw(st.sampled_from(["", "\ufeff", " \n"]))
    body = (mark + '{"value":[' + ",".join(texts) + '],"@odata.nextLink":null}').encode()
    try:
        times = check(body).times
    except Transient as refusal:
        refused = str(refusal)
    else:
        refused = ""
    if refused:
        known = "error inside" in refused or "more than 300000 values" in refused
        assert known or is_json(body) is False
        return
    assert len(times) == len(texts)
    good = page_of([{"id": "good", "createdDateTime": AT}])
    with TemporaryDirectory() as folder:
        done, rows = run(API, [Page(EVER, body), good], Path(folder))
        for row in rows:
            rebuild_event(row, API.table)
            loads((row["_extra"] or "{}").encode())
    left_out = done.duplicates + done.conflicts + done.rejects + done.outside
    assert done.events == len(texts) + 1 == len(rows) + left_out
    assert "good" in {row["id"] for row in rows}


@pytest.mark.parametrize(
    "value",
    ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000, "NaN", '"\\ud800"',
     "1e400", '{"a\\u0000":1,"a\\u0000":2}', "1" * 5_000, "[" * 300 + "NaN" + "]" * 300],
    ids=lambda text: text[:12],
)  # fmt: skip
@pytest.mark.parametrize("place", ["new", "appId", "status", "riskEventTypes", "location"])
def test_an_odd_value_costs_no_event(tmp_path: Path, value: str, place: str) -> None:
    """Wherever it stands, its event is loaded, and those beside it as ever."""
    odd = f'{{"id":"odd","createdDateTime":"{AT}","{place}":{value}}}'
    body = f'{{"value":[{{"id":"good","createdDateTime":"{AT}","appId":"x"}},{odd}]}}'.encode()
    assert check(body)[:2] == (None, [AT, AT])
    done, rows = run(API, [Page(EVER, body)], tmp_path)
    assert (done.rejects, [row["id"] for row in rows]) == (0, ["good", "odd"])
    assert rows[0]["app_id"] == "x"
    assert place in rebuild_event(rows[1], API.table)


@pytest.mark.parametrize(
    "cut",
    ['{"value":[', '{"value":[{"id":"a","x":' + "[" * 5_000, '{"value":[1,]}', "", "\ufeff",
     '{"value":[{"x":' + "[" * 200 + "1,,2" + "]" * 200 + "}]}",
     '{"value":[{"x":' + "[" * 200 + "}" + "]" * 200 + "}]}",
     '{"value":[{"x":' + "[" * 200 + '"\\x"' + "]" * 200 + "}]}",
     '{"value":[{"x":' + "[" * 200 + "01" + "]" * 200 + "}]}",
     '{"value":[{"x":' + "[" * 200 + '{"a" 1}' + "]" * 200 + "}]}",
     '{"value":[{"x":' + "[" * 200 + "{1:1}" + "]" * 200 + "}]}",
     '{"value":[{"x":' + "[" * 200 + "1 2" + "]" * 200 + "}]}"],
    ids=lambda text: text[-12:],
)  # fmt: skip
def test_what_is_no_json_is_refused(cut: str) -> None:
    """However deep the fault lies: an answer that was cut is never taken for a whole one."""
    with pytest.raises(Transient, match="not whole JSON"):
        check(cut.encode())


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=counted(quick=50, ci=500))
@given(value=anything, levels=st.integers(0, 300))
@example(value="0.77777777777777777777e0", levels=150)
@example(value=0.7777777777777777, levels=150)
def test_what_is_nested_deep_is_the_same_text_again(value: Any, levels: int) -> None:
    """Read and printed: the same value, at whatever depth."""
    text = "[" * levels + json.dumps(value) + "]" * levels
    again = dumps(loads(text.encode()))
    with deeper():
        assert json.loads(again) == json.loads(text) or "Infinity" in text or _huge(value)


def _huge(value: Any) -> bool:
    return isinstance(loads(json.dumps(value).encode()), Verbatim)
