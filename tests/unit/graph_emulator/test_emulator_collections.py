import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from include.graph_emulator import ticks
from include.graph_emulator.process import Emulator, start_emulator
from tests.unit.graph_emulator.emulator_reader import END, NOW, START, TIMES, Reader, keys

APIS = [pytest.param(api, id=api) for api in TIMES]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("top", ["", "&$top=7", "&$top=100"])
def test_a_window_is_its_truth(reader: Reader, emulator: Emulator, api: str, top: str) -> None:
    """All pages of a window together are the truth of the window, whatever the page size."""
    events = reader.window(api, START, END, more=top)
    truth = emulator.truth(api, START, END)
    assert truth.count > 3
    assert keys(api, events) == truth.ids


@pytest.mark.parametrize("api", APIS)
def test_newest_first_or_oldest_first(reader: Reader, api: str) -> None:
    """Newest first unless `$orderby` says otherwise; both orders hold the same events."""
    down = reader.window(api, START, END)
    up = reader.window(api, START, END, more=f"&$orderby={TIMES[api]} asc&$top=9")
    times = [ticks.from_text(event[TIMES[api]]) for event in down]
    assert times == sorted(times, reverse=True)
    assert sorted(e["id"] for e in down) == sorted(e["id"] for e in up)
    times = [ticks.from_text(event[TIMES[api]]) for event in up]
    assert times == sorted(times)


def test_updates_of_risk_detections(reader: Reader, emulator: Emulator) -> None:
    """Risk detections can be read by lastUpdatedDateTime."""
    by = "lastUpdatedDateTime"
    events = reader.window("risk_detections", START, END, by=by)
    truth = emulator.truth("risk_detections", START, END, by=by)
    assert truth.count > 3
    assert keys("risk_detections", events, by=by) == truth.ids


@pytest.mark.parametrize(
    ("api", "default", "most"), [("sign_ins", 1000, 1000), ("risk_detections", 20, 500)]
)
def test_page_sizes(reader: Reader, api: str, default: int, most: int) -> None:
    """Default and maximum of `$top` are the documented ones; more is clamped."""
    assert len(reader.ask(api).json()["value"]) == default
    assert len(reader.ask(api, "$top=5000").json()["value"]) == most


def test_next_link_looks_like_graphs(reader: Reader) -> None:
    """Lower-case escapes, + for a space, `signins`, 32 hex digits, `_` and the offset."""
    query = f"$filter=createdDateTime ge {START} and createdDateTime le {END}&$top=10"
    link = reader.ask("sign_ins", query).json()["@odata.nextLink"]
    assert re.fullmatch(
        r"https://localhost:\d+/v1\.0/auditLogs/signins\?\$filter=createdDateTime\+ge\+"
        r"2026-11-20T08%3a00%3a00Z\+and\+createdDateTime\+le\+2026-11-20T10%3a00%3a00Z"
        r"&\$top=10&\$skiptoken=[0-9a-f]{32}_10",
        link,
    )


def test_last_page_is_empty_after_a_multiple(reader: Reader, emulator: Emulator) -> None:
    """A full last page leads to an empty one without a link; `null` is a setting."""
    count = len(reader.window("directory_audits", START, END))
    url = (
        f"/v1.0/auditLogs/directoryAudits?$filter=activityDateTime ge {START} and "
        f"activityDateTime le {END}&$top={count}"
    )
    first, last = reader.pages(url)
    assert (len(first["value"]), last["value"]) == (count, [])
    assert "@odata.nextLink" not in last
    emulator.change(null_next_link=True)
    try:
        assert reader.pages(url)[-1]["@odata.nextLink"] is None
    finally:
        emulator.change(null_next_link=False)


@pytest.mark.parametrize(
    ("api", "query", "status", "words"),
    [
        ("sign_ins", "$select=id", 400, "Query option 'Select' is not allowed"),
        ("sign_ins", "$count=true", 400, "Query option 'Count' is not allowed"),
        ("directory_audits", "$skip=5", 400, "Query option 'Skip' is not allowed"),
        ("sign_ins", "$filter=createdDateTime ge '2026-11-20T08:00:00Z'", 400, "Invalid filter"),
        ("sign_ins", "$filter=createdDateTime gee 2026-11-20", 400, "Invalid filter"),
        ("sign_ins", "$filter=userAgent eq 'x'", 400, "Invalid filter"),
        ("sign_ins", "$filter=createdDateTime ge 2026-01-01", 400, "Invalid filter"),
        ("sign_ins", "$orderby=appId", 400, "Invalid orderby"),
        ("sign_ins", "$top=0", 400, "Invalid value"),
        ("sign_ins", "$skiptoken=", 400, "Invalid Skip Token, skip token is null"),
        ("sign_ins", "$skiptoken=abc_10", 400, "Token not found"),
    ],
)
def test_refused(reader: Reader, api: str, query: str, status: int, words: str) -> None:
    """What Graph refuses is refused, in its words and its envelope."""
    answer = reader.ask(api, query)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert words in error["message"]
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", error["innerError"]["date"])


def test_quoted_time_on_risk_detections(reader: Reader) -> None:
    """There a quoted time gives 200 and nothing."""
    answer = reader.ask("risk_detections", f"$filter=detectedDateTime ge '{START}'")
    assert (answer.status_code, answer.json()["value"]) == (200, [])


def test_filters_other_than_time(reader: Reader) -> None:
    """eq, startswith, and/or and any() choose what they say."""
    query = f"createdDateTime ge {START} and createdDateTime le {END} and "
    failed = reader.ask("sign_ins", f"$filter={query}status/errorCode eq 50126").json()["value"]
    assert {event["status"]["errorCode"] for event in failed} == {50126}
    apps = reader.ask(
        "sign_ins",
        f"$filter={query}(startswith(appDisplayName,'Azure') or appDisplayName eq 'OfficeHome')",
    ).json()["value"]
    assert {event["appDisplayName"] for event in apps} == {"Azure Portal", "OfficeHome"}
    audits = reader.ask(
        "directory_audits",
        "$filter=activityDateTime ge 2026-11-16 and "
        "targetResources/any(t:t/displayName eq 'Sales all')",
    ).json()["value"]
    assert audits
    assert "GroupManagement" in {event["category"] for event in audits}
    assert all(
        any(t["displayName"] == "Sales all" for t in event["targetResources"]) for event in audits
    )


def test_names_without_dollar_are_ignored(reader: Reader) -> None:
    """A filter that lost its `$` is no error and returns everything."""
    everything = reader.ask("sign_ins", "filter=createdDateTime ge 2026-11-20T11:59:00Z&$top=50")
    assert len(everything.json()["value"]) == 50


def test_gt_and_lt(reader: Reader, emulator: Emulator) -> None:
    """Audit logs: exclusive, or ignored if so set. Risk detections: the bound is included."""
    at = reader.ask("sign_ins", "$top=1").json()["value"][0]["createdDateTime"]
    query = f"$filter=createdDateTime gt {at}"
    assert reader.ask("sign_ins", query).json()["value"] == []
    emulator.change(gt_lt="ignored")
    try:
        assert len(reader.ask("sign_ins", query).json()["value"]) == 1000
    finally:
        emulator.change(gt_lt="works")
    at = reader.ask("risk_detections", "$top=1").json()["value"][0]["detectedDateTime"]
    found = reader.ask("risk_detections", f"$filter=detectedDateTime gt {at}").json()["value"]
    assert [event["detectedDateTime"] for event in found] == [at]


def test_select_on_risk_detections(reader: Reader) -> None:
    """$select works there, and shows in the context."""
    page = reader.ask("risk_detections", "$select=id,riskState&$top=2").json()
    assert page["@odata.context"].endswith("#identityProtection/riskDetections(id,riskState)")
    assert {tuple(event) for event in page["value"]} == {("id", "riskState")}


def test_beta_has_other_kinds_of_sign_ins(reader: Reader) -> None:
    """beta: interactive unless signInEventTypes asks for others, with beta's own properties."""
    query = f"$filter=createdDateTime ge {START} and createdDateTime le {END}"
    plain = reader.ask("sign_ins", query + "&$top=50", "beta").json()["value"]
    assert {tuple(event["signInEventTypes"]) for event in plain} == {("interactiveUser",)}
    more = f"{query} and signInEventTypes/any(t: t eq 'servicePrincipal' or t eq 'managedIdentity')"
    other = reader.ask("sign_ins", more, "beta").json()["value"]
    assert {event["signInEventTypes"][0] for event in other} == {
        "servicePrincipal",
        "managedIdentity",
    }
    assert reader.get("/beta/riskDetections?$top=1").status_code == 200


def test_headers(reader: Reader) -> None:
    """Request ids, diagnostics and the emulator's clock are in the headers."""
    answer = reader.get("/v1.0/auditLogs/signIns?$top=1", **{"client-request-id": "mine"})
    assert answer.headers["client-request-id"] == "mine"
    assert "ServerInfo" in answer.headers["x-ms-ags-diagnostic"]
    assert parsedate_to_datetime(answer.headers["date"]) == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_unknown_segment(reader: Reader) -> None:
    """An unknown collection is a 400 that names the segment."""
    answer = reader.get("/v1.0/auditLogs/signOuts")
    assert answer.status_code == 400
    assert "Resource not found for the segment 'signOuts'." in answer.json()["error"]["message"]


def test_events_arrive_late_and_change(reader: Reader, emulator: Emulator) -> None:
    """What is visible grows with the clock; detections change state and time; nothing goes."""
    try:
        early = emulator.truth("sign_ins", START, END)
        before = {e["id"]: e for e in reader.window("risk_detections", "2026-11-18", END)}
        emulator.set_clock("2026-11-23T12:00:00Z")
        late = emulator.truth("sign_ins", START, END)
        assert early.ids < late.ids
        after = {e["id"]: e for e in reader.window("risk_detections", "2026-11-18", END)}
        changed = [name for name in before if before[name] != after[name]]
        assert changed
        assert before.keys() <= after.keys()
        assert all(
            before[name]["lastUpdatedDateTime"] != after[name]["lastUpdatedDateTime"]
            for name in changed
        )
    finally:
        emulator.set_clock(NOW)


def test_sign_ins_change_without_a_trace(emulator: Emulator) -> None:
    """Some sign-ins change their risk state later, and no field says so."""
    late = emulator.truth("sign_ins", "2026-11-19", END, at="2026-11-29", events=True)
    now = emulator.truth("sign_ins", "2026-11-19", END, events=True)
    after = {event["id"]: event for event in late.events}
    changed = [(e, after[e["id"]]) for e in now.events if e != after[e["id"]]]
    assert changed
    for old, new in changed:
        assert {n for n in old if old[n] != new[n]} <= {
            "riskState", "riskDetail", "riskLevelAggregated", "riskLevelDuringSignIn",
            "riskEventTypes", "riskEventTypes_v2",
        }  # fmt: skip


def test_a_chain_of_pages_stands_still(reader: Reader, emulator: Emulator) -> None:
    """Pages of one chain show what was visible at the first, while the clock goes on."""
    try:
        truth = emulator.truth("sign_ins", START, END)
        query = f"$filter=createdDateTime ge {START} and createdDateTime le {END}&$top=50"
        page = reader.ask("sign_ins", query).json()
        emulator.set_clock("2026-11-20T18:00:00Z")
        rest = reader.pages(page["@odata.nextLink"])
        events = page["value"] + [event for more in rest for event in more["value"]]
        assert keys("sign_ins", events) == truth.ids
    finally:
        emulator.set_clock(NOW)


def test_retention(reader: Reader, emulator: Emulator) -> None:
    """Older than what is kept: 400, or no rows if so set."""
    query = "$filter=createdDateTime ge 2026-10-01 and createdDateTime le 2026-10-02"
    assert reader.ask("sign_ins", query).status_code == 400
    emulator.change(past_retention="fewer")
    try:
        assert reader.ask("sign_ins", query).json()["value"] == []
    finally:
        emulator.change(past_retention="error")


def test_added_events(reader: Reader, emulator: Emulator) -> None:
    """An added event is visible from its arrival, and the same key again replaces it."""
    event = {"id": "mine", "createdDateTime": "2026-11-20T09:00:00.1234567Z", "appId": "one"}
    emulator.add_events("sign_ins", [event, {**event, "id": "late", "_arrives": "2026-11-21"}])
    query = f"$filter=createdDateTime ge {START} and (id eq 'mine' or id eq 'late')"
    assert reader.ask("sign_ins", query).json()["value"] == [event]
    emulator.add_events("sign_ins", [{**event, "appId": "two"}])
    assert [e["appId"] for e in reader.ask("sign_ins", query).json()["value"]] == ["two"]
    assert ("mine", event["createdDateTime"]) in emulator.truth("sign_ins", START, END).ids


def test_live_paging_shifts_rows(read_from: Callable[[Emulator], Reader]) -> None:
    """With `live` paging a row that arrives between two pages is a duplicate on the next."""
    rows = [{"id": f"{n}", "createdDateTime": f"2026-11-20T09:00:0{n}Z"} for n in range(6)]
    with start_emulator(now=NOW, speed=0, sign_ins_per_day=0, paging="live") as emulator:
        emulator.add_events("sign_ins", rows[:5])
        reader = read_from(emulator)
        page = reader.ask("sign_ins", "$top=2").json()
        emulator.add_events("sign_ins", rows[5:])
        again = reader.get(page["@odata.nextLink"]).json()
        assert [event["id"] for event in page["value"] + again["value"]] == ["4", "3", "3", "2"]


def test_bounds(read_from: Callable[[Emulator], Reader]) -> None:
    """`ge` and `le` include their bounds; the truth of a window includes its start alone."""
    times = [START, END, "2026-11-20T09:59:59.9999999Z", "2026-11-20T07:59:59.9999999Z"]
    names = ["start", "end", "inside", "before"]
    with start_emulator(now=NOW, speed=0, sign_ins_per_day=0, throttling=False) as emulator:
        reader = read_from(emulator)
        for api, time in [*TIMES.items(), ("risk_detections", "lastUpdatedDateTime")]:
            other = {TIMES[api]: "2026-11-20T07:00:00Z"}
            events = [
                {"id": name, **other, time: at} for name, at in zip(names, times, strict=True)
            ]
            emulator.add_events(api, events)
            read = reader.window(api, START, END, by=time)
            assert {event["id"] for event in read} == {"start", "end", "inside"}
            truth = emulator.truth(api, START, END, by=time)
            assert {name for name, _ in truth.ids} == {"start", "inside"}
