import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.entra_logs.api import Api
from include.entra_logs.catalogue import CATALOGUE
from include.entra_logs.metadata import graph_metadata
from include.entra_logs.normalise import rebuild_event
from include.entra_logs.verbatim import Verbatim
from tests.kit.budget import counted
from tests.kit.events import Spelled, Twice, declared_event, micros, page_of, run, write

odd_numbers = st.sampled_from(
    [
        "-0", "0.0", "-0.0", "1.0", "1e3", "1E400", "-1e400", "1e-400", "5e-324",
        "2147483647", "2147483648", "-2147483649", "9007199254740993", "-9007199254740992",
        "18446744073709551616", "9223372036854775808", "123456789012345678901234567890",
        "0.1234567890123456789012345", "1.7976931348623157e308",
    ]
).map(Spelled)  # fmt: skip
odd_texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["\ud800", "\udfff\ud83d", "\U0001f600", "a\u0000", "NaN", "null", "\ufeff"]),
)
odd_times = st.sampled_from(
    [
        "2026-11-22T09:00:00Z", "2026-11-22T09:00:00.1Z", "2026-11-22T09:00:00.123456789Z",
        "2026-11-22T09:00:00.1234567Z", "2026-11-22T9:05:00Z", "2026-11-22T09:00:00+02:00",
        "2026-11-22T09:00:00.5-0730", "2026-11-22 09:00:00Z", "2026-11-22t09:00:00z",
        "2026-11-22T09:00Z", "2026-11-22T09:00:00", "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:58.9999999Z", "1969-12-31T23:59:59.9999999Z",
        "1601-01-01T00:00:00.000001Z", "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T23:59:60Z", "2026-11-22", "yesterday", "",
    ]
)  # fmt: skip
names = st.one_of(
    st.text(max_size=6),
    st.sampled_from(
        ["newThing", "Type", "ID", "@odata.type", "status_errorCode", "status_error_code", "_extra",
         "id", "a.b", "\ud800", "value", "location"]
    ),
)  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | odd_numbers | odd_texts | odd_times,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key in `value` that a mutation can set."""
    if isinstance(value, dict):
        own = [(value, key) for key in value]
    elif isinstance(value, list):
        own = [(value, key) for key in range(len(value))]
    else:
        return []
    return own + [place for box, key in own for place in places(box[key])]


@st.composite
def events(draw: st.DrawFn, api: Api, number: int) -> Any:
    """A declared event with some of its values flipped, dropped, doubled, and others added."""
    event = declared_event(api, number, seed=draw(st.integers(0, 1000)))
    for _ in range(draw(st.integers(0, 5))):
        spots = places(event)
        box, key = spots[draw(st.integers(0, len(spots) - 1))]
        kind = draw(st.sampled_from(["flip", "flip", "add", "add top", "drop", "double", "time"]))
        if kind == "flip" and not (box is event and key == "id" and draw(st.booleans())):
            box[key] = draw(anything)
        elif kind == "add top":
            event[draw(names)] = draw(anything)
        elif kind == "add" and isinstance(box, dict):
            box[draw(names)] = draw(anything)
        elif kind == "double" and isinstance(box, dict):
            last = box[key].last if isinstance(box[key], Twice) else box[key]
            box[key] = Twice(draw(anything), last)
        elif kind == "drop" and isinstance(box, dict):
            del box[key]
        elif kind == "time":
            event[draw(st.sampled_from(sorted(times_of(api))))] = draw(odd_times)
        if not event:
            break
    if isinstance(event.get("id"), str):
        event["id"] += f"/{number}"
    return event


def times_of(api: Api) -> set[str]:
    """The properties of an event that are times."""
    found = graph_metadata(api.table.version).properties(api.table.entity)
    return {prop.name for prop in found if prop.edm_type == "Edm.DateTimeOffset"}


def parsed(text: str) -> Any:
    """What JSON text says, by Python's own parser, numbers exact."""
    return json.loads(text, parse_float=number)


def number(text: str) -> Any:
    """A double, or the text of one that is larger."""
    value = float(text)
    return value if abs(value) < float("inf") else Spelled(text)


def plain(value: Any, times: frozenset[str] = frozenset()) -> Any:
    """`value` without what rebuilding may lose: absent = null = {}, digits past microseconds."""
    if isinstance(value, dict):
        kept = {key: plain(micros(item) if key in times else item) for key, item in value.items()}
        return {key: item for key, item in sorted(kept.items()) if item is not None} or None
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Verbatim):
        return parsed(value.text)
    return ("bool", value) if isinstance(value, bool) else value


@pytest.mark.slow
@pytest.mark.long(50)
@given(data=st.data(), api=st.sampled_from(list(CATALOGUE.values())))
@settings(max_examples=counted(quick=50, ci=1000))
def test_every_event_can_be_rebuilt_from_its_row(data: st.DataObject, api: Api) -> None:
    """Columns and `_extra` give back each event; only those without an identity are rejects."""
    sent = [data.draw(events(api, number)) for number in range(data.draw(st.integers(1, 4)))]
    cut = data.draw(st.integers(0, len(sent)))
    pages = [page_of(sent[:cut]), page_of(sent[cut:]), page_of([declared_event(api, 99)])]
    times = frozenset(times_of(api))
    originals = [parsed(write(event)) for event in sent] + [parsed(write(declared_event(api, 99)))]

    with TemporaryDirectory() as directory:
        done, rows = run(api, pages, Path(directory))

    rebuilt = [plain(rebuild_event(row, api.table), times) for row in rows]
    wanted = [plain(event, times) for event in originals]
    missing = [event for event in wanted if event not in rebuilt]
    lost = [(e or {}).get(api.table.event_time, e) for e in missing if not is_reject(e, api)]
    assert lost == []
    assert [event for event in rebuilt if event not in wanted] == []
    assert len(missing) == done.rejects
    assert done.events == len(originals) == done.distinct + done.rejects


def is_reject(event: Any, api: Api) -> bool:
    """Whether the event has no id, or no event time that anybody could read or believe."""
    if not isinstance(event, dict) or not isinstance(event.get("id"), str):
        return True
    at = event.get(api.table.event_time)
    readable = isinstance(at, str) and re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d?:\d\d", at)
    impossible = isinstance(at, str) and at.startswith(
        ("0000", "2026-02-30", "2026-11-22T24", "2026-11-22T23:59:60")
    )
    return not readable or impossible or at[:4] in {"0001", "1601", "1969", "9999"}
