from collections.abc import Iterator

import pytest

from include.entra_logs.ahead import ahead


def test_all_in_their_order() -> None:
    """Nothing is lost, doubled or moved, however many wait, also what is false."""
    for most in (1, 3, 20):
        assert list(ahead(iter(range(10)), most)) == list(range(10))
    assert list(ahead(iter([0, None, ""]), 2)) == [0, None, ""]
    assert list(ahead(iter([]), 2)) == []


def test_a_fault_comes_in_its_place() -> None:
    """What came before a fault is given out, then the fault is raised."""

    def cut() -> Iterator[int]:
        yield from (1, 2)
        raise OSError("the store is gone")

    found = ahead(cut(), 4)
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(OSError, match="the store is gone"):
        next(found)


def test_no_more_than_wanted_are_made_ahead() -> None:
    """Memory stays bounded: with `most` items waiting, no further one is begun."""
    made = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    found = ahead(items(), 2)
    assert next(found) == 0
    assert len(made) <= 4
    found.close()  # type: ignore[attr-defined]  # a generator
    assert len(made) <= 4
