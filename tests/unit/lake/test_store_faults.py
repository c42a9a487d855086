"""A store that fails at any call: before it has done anything, or after it has done all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.entra_logs.errors import EntraLakeError, Transient
from include.entra_logs.lake import Lake, open_lake, raw
from include.entra_logs.merge.tables import MergeCounts
from include.entra_logs.source import Slice
from tests.kit.rows import READ, SIGN_INS, event, load, stored
from tests.unit.lake.test_staging_raw import WINDOW, attempt, bodies, page, publish

CALLS = {"get", "get_range", "tag", "snapshot", "put", "put_if_absent", "replace_if_unchanged",
         "copy", "list", "delete", "delete_prefix"}  # fmt: skip


class Failing:
    """A store whose call number `at` fails, once its work is done or without doing it."""

    def __init__(self, store: Any, at: int, *, done: bool) -> None:
        self._store = store
        self._left = at
        self._done = done

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._failing(found) if name in CALLS else found

    def _failing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any) -> Any:
            self._left -= 1
            if self._left != 0:
                return call(*args)
            if self._done:
                call(*args)
            raise Transient("the store failed here")

        return called


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 5))
def test_a_merge_that_fails_at_any_call_is_done_by_the_next(
    tmp_path: Path, at: int, *, done: bool
) -> None:
    """The partition is the old one or the new one, and the counts are as if nothing had failed."""
    lake = open_lake((tmp_path / "lake").as_uri())
    load(lake, SIGN_INS, [event("a"), event("b")], READ, tmp_path)
    events = [event("b", app_display_name="new"), event("c")]
    later = READ + timedelta(hours=6)
    failing = replace(lake, store=Failing(lake.store, at, done=done))
    failed = _fails(lambda: load(failing, SIGN_INS, events, later, tmp_path))
    assert [row["id"] for row in stored(lake, SIGN_INS)] in (["a", "b"], ["a", "b", "c"])
    counts = load(lake, SIGN_INS, events, later, tmp_path)
    assert failed == (at <= 2)
    assert replace(counts, rewritten=True) == MergeCounts(1, 1, 0, rewritten=True)
    assert [row["id"] for row in stored(lake, SIGN_INS)] == ["a", "b", "c"]


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 12))
def test_a_read_that_fails_at_any_call_is_finished_by_the_next(
    tmp_path: Path, at: int, *, done: bool
) -> None:
    """The next attempt has every page, and what was published is one whole read."""
    lake = open_lake((tmp_path / "lake").as_uri())
    failing = replace(lake, store=Failing(lake.store, at, done=done))
    _fails(lambda: _read(failing, 1))
    found = raw.manifests(lake, "sign_ins", None, WINDOW, None)
    manifest = found[0] if found else _read(lake, 2)
    assert bodies(lake, manifest) == ["a2", "a1"]
    assert len(raw.manifests(lake, "sign_ins", None, WINDOW, None)) == 1


def _fails(action: Callable[[], Any]) -> bool:
    try:
        action()
    except EntraLakeError:
        return True
    return False


def _read(lake: Lake, number: int) -> raw.ReadManifest:
    """What the client does: go on with what there is, page by page, then publish."""
    staged = attempt(lake, number)
    found = staged.resume() or [Slice("a", WINDOW, WINDOW)]
    staged.save_slices(found)
    now = found[0]
    while not now.done:
        following = page("a", now.pages + 1, 2)
        staged.save_page(following)
        now = now.after(following)
        staged.save_slices([now])
    return publish(staged, 2)
