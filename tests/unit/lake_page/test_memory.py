"""What the page keeps: never anything old, never too much, nothing made twice at once."""

import gc
import threading
from pathlib import Path
from unittest.mock import patch

import pytest

from include.entra_logs.errors import Transient
from include.entra_logs.lake import open_lake
from include.entra_logs.lake.store import Store
from include.lake_page import memory
from include.lake_page.memory import Answers, RememberingStore


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RememberingStore:
    """A store with one object that it has listed and read; it keeps little."""
    monkeypatch.setattr(memory, "MOST_BYTES", 1000)
    found = open_lake(tmp_path.as_uri(), None, RememberingStore).store
    assert isinstance(found, RememberingStore)
    found.put("ledger/a", b"first")
    listed(found)
    assert found.get("ledger/a") == b"first"
    return found


def listed(store: RememberingStore) -> list[str]:
    """The keys of the ledger; the store knows their tags now."""
    return sorted(found.key for found in store.list("ledger"))


def test_an_unchanged_object_is_read_once(store: RememberingStore) -> None:
    """Listed again with the same tag, it comes from memory."""
    listed(store)
    with patch.object(Store, "get", side_effect=AssertionError("read again")):
        assert store.get("ledger/a") == b"first"


def test_a_changed_object_is_read_again(store: RememberingStore) -> None:
    """The next listing shows another tag."""
    store.put("ledger/a", b"second")
    listed(store)
    assert store.get("ledger/a") == b"second"


def test_a_deleted_object_is_gone(store: RememberingStore) -> None:
    """After the next listing there is none, whatever was kept."""
    store.delete("ledger/a")
    assert listed(store) == []
    assert store.get("ledger/a") is None


def test_what_was_never_listed_is_not_kept(store: RememberingStore) -> None:
    """Without a tag nobody could tell when it changes."""
    store.put("ledger/b", b"one")
    assert store.get("ledger/b") == b"one"
    store.put("ledger/b", b"two")
    assert store.get("ledger/b") == b"two"


def test_what_was_used_longest_ago_gives_way(store: RememberingStore) -> None:
    """What is kept stays below the limit; what was asked for last stays."""
    for name in ("b", "c"):
        store.put(f"ledger/{name}", b"x" * 450)
        listed(store)
        store.get(f"ledger/{name}")
        store.get("ledger/a")
    with patch.object(Store, "get", return_value=b"from the store"):
        assert store.get("ledger/a") == b"first"
        assert store.get("ledger/c") == b"x" * 450
        assert store.get("ledger/b") == b"from the store"


def test_what_is_too_large_is_read_each_time(store: RememberingStore) -> None:
    """It drives nothing else out."""
    store.put("ledger/b", b"x" * 2000)
    listed(store)
    assert store.get("ledger/b") == store.get("ledger/b") == b"x" * 2000
    with patch.object(Store, "get", return_value=b"from the store"):
        assert store.get("ledger/a") == b"first"
        assert store.get("ledger/b") == b"from the store"


def test_an_answer_is_made_once_for_all_who_ask() -> None:
    """Twenty at once wait for the one that makes it."""
    answers, made, go = Answers(), [], threading.Event()

    def make() -> int:
        go.wait(10)
        made.append(1)
        return len(made)

    found: list[int] = []
    asking = [
        threading.Thread(target=lambda: found.append(answers.get("q", make))) for _ in range(20)
    ]
    for thread in asking:
        thread.start()
    go.set()
    for thread in asking:
        thread.join(10)
    assert found == [1] * 20


def test_an_old_answer_is_made_again() -> None:
    """After FRESH_FOR, and not before; a question has its own answer."""
    now = [100.0]
    answers = Answers(lambda: now[0])
    assert answers.get("q", lambda: "old") == "old"
    assert answers.get("other", lambda: "another") == "another"
    now[0] += memory.FRESH_FOR - 0.01
    assert answers.get("q", lambda: "new") == "old"
    now[0] += 0.01
    assert answers.get("q", lambda: "new") == "new"


def test_an_answer_is_fresh_from_when_it_was_made() -> None:
    """A slow one is kept as long as the others."""
    now = [100.0]
    answers = Answers(lambda: now[0])

    def make() -> str:
        now[0] += 2 * memory.FRESH_FOR
        return "slow"

    assert answers.get("q", make) == "slow"
    now[0] += memory.FRESH_FOR / 2
    assert answers.get("q", lambda: "again") == "slow"


def test_answers_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was made first gives way."""
    monkeypatch.setattr(memory, "MOST_ANSWERS", 2)
    answers = Answers()
    for question in ("a", "b", "c"):
        answers.get(question, lambda: "first")
    assert [answers.get(q, lambda: "second") for q in ("c", "b", "a")] == [
        "first",
        "first",
        "second",
    ]


def test_a_failure_is_not_an_answer() -> None:
    """Who asks next makes it anew."""
    answers = Answers()

    def fail() -> str:
        assert not gc.isenabled()
        raise OSError("out of reach")

    with pytest.raises(OSError, match="out of reach"):
        answers.get("q", fail)
    assert gc.isenabled()
    assert answers.get("q", lambda: "here") == "here"


def test_nobody_waits_for_a_lake_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one answer is under way, the next one who asks is told to come again."""
    monkeypatch.setattr(memory, "PATIENCE", 0.05)
    answers, begun, go = Answers(), threading.Event(), threading.Event()

    def make() -> str:
        begun.set()
        go.wait(10)
        return "at last"

    slow = threading.Thread(target=lambda: answers.get("q", make))
    slow.start()
    begun.wait(10)
    with pytest.raises(Transient, match="ask again in a minute"):
        answers.get("other", lambda: "never")
    go.set()
    slow.join(10)
    assert answers.get("q", lambda: "new") == "at last"
