"""Pages of a read under way, and the complete reads that they become."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.entra_logs.api import Window
from include.entra_logs.errors import Corrupt
from include.entra_logs.lake import Lake, layout, raw, staging
from include.entra_logs.lake.staging import StagedRead
from include.entra_logs.source import Page, ReadSummary, Slice
from tests.kit.rows import READ, START, TENANT

WINDOW = Window(START, START + timedelta(hours=2))
HALVES = (Window(START, START + timedelta(hours=1)), Window(START + timedelta(hours=1), WINDOW.end))
SETTLE = timedelta(minutes=15)


def attempt(lake: Lake, number: int = 1, **other: object) -> StagedRead:
    """An attempt at the main read of the window."""
    fields = {"kind": "main", "filter_by": "createdDateTime", "run_id": "manual__2026 é/x",
              "attempt": number, "now": datetime.now(UTC)}  # fmt: skip
    return staging.open_read(lake, "sign_ins", TENANT, WINDOW, **{**fields, **other})


def page(slice_id: str, number: int, last: int, text: str = "") -> Page:
    """A page with two events."""
    body = json.dumps({"value": [{"id": f"{text}{slice_id}{number}"}, {"id": "\U0001f600"}]})
    link = None if number == last else f"https://graph/next?{slice_id}={number}&" + "x" * 1500
    return Page(slice_id, number, body.encode(), 2, link, READ, f"request-{number}")


def read(staged: StagedRead, counts: dict[str, int], keeps: tuple[Window, ...] = HALVES) -> None:
    """A complete read with so many pages in each slice."""
    slices = [Slice(id_, keep, keep) for id_, keep in zip(counts, keeps, strict=False)]
    staged.save_slices(slices)
    for number, each in enumerate(slices):
        for at in range(1, counts[each.id] + 1):
            stored = page(each.id, at, counts[each.id])
            staged.save_page(stored)
            slices[number] = slices[number].after(stored)
    staged.save_slices(slices)


def summary(pages: int) -> ReadSummary:
    """What the client would say of a read."""
    return ReadSummary(READ, pages, 2 * pages, 100, pages, 0, 0.0)


def publish(staged: StagedRead, pages: int) -> raw.ReadManifest:
    """The read, complete, in raw."""
    return raw.publish(staged, summary(pages), past_retention=False, settle=SETTLE)


def bodies(lake: Lake, manifest: raw.ReadManifest) -> list[str]:
    """The first id of each page, in order."""
    return [json.loads(p.body)["value"][0]["id"] for p in raw.pages(lake, manifest)]


def test_a_complete_read_is_kept_as_it_came(lake: Lake) -> None:
    """Slices ascending, the last page of a slice first, each byte as Graph sent it."""
    staged = attempt(lake)
    read(staged, {"b": 2, "a": 3}, (HALVES[1], HALVES[0]))
    manifest = publish(staged, 5)
    assert bodies(lake, manifest) == ["a3", "a2", "a1", "b2", "b1"]
    assert [p.keep for p in raw.pages(lake, manifest)] == [HALVES[0]] * 3 + [HALVES[1]] * 2
    assert raw.manifest(lake, manifest.key) == manifest
    assert raw.manifests(lake, "sign_ins", None, WINDOW, "main") == [manifest]
    assert raw.manifests(lake, "sign_ins", TENANT, WINDOW, "sweep_6h") == []


@pytest.mark.skipif(not shutil.which("zstd"), reason="the program zstd is missing")
def test_raw_is_read_by_the_program_zstd(lake: Lake) -> None:
    """`zstd -dc FILE` prints the pages one after the other."""
    staged = attempt(lake)
    read(staged, {"a": 3})
    manifest = publish(staged, 3)
    frames = lake.store.get(layout.raw_file("sign_ins", TENANT, WINDOW, manifest.read_id))
    found = subprocess.run(["zstd", "-dc"], input=frames, capture_output=True, check=True).stdout
    assert found == b"".join(page("a", n, 3).body for n in (3, 2, 1))


def test_a_read_without_its_manifest_is_not_there(lake: Lake) -> None:
    """A crash before the manifest leaves nothing that counts as a complete read."""
    staged = attempt(lake)
    read(staged, {"a": 1})
    lake.store.delete(publish(staged, 1).key)
    assert raw.manifests(lake, "sign_ins", TENANT, WINDOW, None) == []


def test_a_later_attempt_goes_on_where_the_first_one_ended(lake: Lake) -> None:
    """No stored page is asked again, and the result is as of one attempt."""
    first = attempt(lake)
    first.save_slices([Slice("a", HALVES[0], HALVES[0]), Slice("b", HALVES[1], HALVES[1])])
    for number in (1, 2):
        first.save_page(page("a", number, 3))
    second = attempt(lake, 2)
    found = second.resume()
    assert [(s.id, s.pages, s.done) for s in found] == [("a", 2, False), ("b", 0, False)]
    assert found[0].cursor == page("a", 2, 3).cursor
    second.save_page(page("a", 3, 3))
    third = attempt(lake, 3)
    found = third.resume()
    assert [(s.id, s.pages, s.done) for s in found] == [("a", 3, True), ("b", 0, False)]
    third.save_page(page("b", 1, 1))
    third.save_slices([found[0], found[1].after(page("b", 1, 1))])
    assert bodies(lake, publish(third, 4)) == ["a3", "a2", "a1", "b1"]


def test_a_zombie_does_not_disturb_the_attempt_that_took_over(lake: Lake) -> None:
    """What an attempt believed dead still writes stays in its own folder."""
    zombie = attempt(lake)
    zombie.save_slices([Slice("a", WINDOW, WINDOW)])
    zombie.save_page(page("a", 1, 3))
    second = attempt(lake, 1)
    found = second.resume()
    zombie.save_page(page("a", 2, 3, "zombie "))
    zombie.save_slices([])
    second.save_page(page("a", 2, 2))
    second.save_slices([found[0].after(page("a", 2, 2))])
    zombie.save_page(page("a", 2, 3, "zombie again "))
    assert bodies(lake, publish(second, 2)) == ["a2", "a1"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"kind": "sweep_6h"}, id="another kind"),
        pytest.param({"filter_by": "lastUpdatedDateTime"}, id="another filter"),
        pytest.param({"now": datetime.now(UTC) + timedelta(hours=7)}, id="too old"),
    ],
)
def test_what_is_not_taken_up_again(lake: Lake, other: dict) -> None:
    """Only an attempt at the very same read, not older than six hours, is gone on with."""
    first = attempt(lake)
    read(first, {"a": 1})
    assert attempt(lake, 2, **other).resume() == []
    assert len(attempt(lake, 2).resume()) == 1


def test_success_ends_reuse(lake: Lake) -> None:
    """A run done again asks Graph again, also where the read had gone on with another attempt."""
    first = attempt(lake)
    read(first, {"a": 1})
    second = attempt(lake, 2)
    second.resume()
    publish(second, 1)
    assert attempt(lake, 3).resume() == []


def test_a_gap_in_the_pages_ends_what_is_taken_up(lake: Lake) -> None:
    """Pages count from the first without a gap."""
    first = attempt(lake)
    first.save_slices([Slice("a", WINDOW, WINDOW)])
    for number in (1, 3):
        first.save_page(page("a", number, 5))
    assert [s.pages for s in attempt(lake, 2).resume()] == [1]


def test_a_slice_that_was_cut_keeps_its_pages(lake: Lake) -> None:
    """A slice that is done answers with the pages that its plan names, whatever else lies there."""
    first = attempt(lake)
    for number in (1, 2, 3):
        first.save_page(page("a", number, 5))
    cut = replace(Slice("a", WINDOW, HALVES[1]), pages=2, done=True)
    first.save_slices([cut, Slice("b", HALVES[0], HALVES[0])])
    found = attempt(lake, 2).resume()
    assert [(s.id, s.pages, s.done, s.keep) for s in found] == [
        ("a", 2, True, HALVES[1]),
        ("b", 0, False, HALVES[0]),
    ]


def damaged(lake: Lake, manifest: raw.ReadManifest, how: str) -> None:
    """Harm done by hand to a read in raw."""
    key = layout.raw_file("sign_ins", TENANT, WINDOW, manifest.read_id)
    whole = lake.store.get(key)
    changed = {"lost": None, "cut": whole[:-5], "swapped": whole[::-1], "empty": b""}[how]
    lake.store.delete(key) if changed is None else lake.store.put(key, changed)


@pytest.mark.parametrize("how", ["lost", "cut", "swapped", "empty"])
def test_a_page_that_is_not_what_graph_sent_is_never_handed_on(lake: Lake, how: str) -> None:
    """Corrupt names the object and what to do."""
    staged = attempt(lake)
    read(staged, {"a": 2})
    manifest = publish(staged, 2)
    damaged(lake, manifest, how)
    with pytest.raises(Corrupt, match=f"{manifest.read_id}.*make verify"):
        bodies(lake, manifest)


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"read_id": 1}'])
def test_a_manifest_that_is_not_whole_is_named(lake: Lake, body: bytes) -> None:
    """It does not look like an empty read."""
    lake.store.put("raw/x.manifest.json", body)
    with pytest.raises(Corrupt, match=r"raw/x\.manifest\.json"):
        raw.manifest(lake, "raw/x.manifest.json")


def test_an_empty_read_is_complete(lake: Lake) -> None:
    """A read without a page, such as one past retention, has a manifest and no page."""
    staged = attempt(lake)
    staged.save_slices([])
    assert bodies(lake, publish(staged, 0)) == []
