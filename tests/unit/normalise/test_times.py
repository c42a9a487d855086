import pyarrow as pa
import pytest

from include.entra_logs.normalise.times import Unfit, is_strict, odd_time, to_times

STRICT = {
    "2026-11-22T08:00:00Z": "2026-11-22T08:00:00Z",
    "2026-11-22T08:00:00.1Z": "2026-11-22T08:00:00.1Z",
    "2026-11-22T08:00:00.123456Z": "2026-11-22T08:00:00.123456Z",
    "2026-11-22T08:00:00.1234567Z": "2026-11-22T08:00:00.123456Z",
    "2026-11-22T08:00:00.999999999999Z": "2026-11-22T08:00:00.999999Z",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59.9999999Z": "1969-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59.9999999Z": "9999-12-31T23:59:59.999999Z",
    "2024-02-29T00:00:00Z": "2024-02-29T00:00:00Z",
}
ODD = {
    "2026-11-22T10:00:00+02:00": "2026-11-22T08:00:00.000000Z",
    "2026-11-22T00:30:00.5-07:30": "2026-11-22T08:00:00.500000Z",
    "2026-11-22T8:00:00Z": "2026-11-22T08:00:00.000000Z",
    "2026-1-2T8:0:0Z": "2026-01-02T08:00:00.000000Z",
    "2026-11-22 08:00:00.1234567Z": "2026-11-22T08:00:00.123456Z",
    "2026-11-22t08:00:00z": "2026-11-22T08:00:00.000000Z",
    "2026-11-22T08:00": "2026-11-22T08:00:00.000000Z",
}
NO_TIMES = [
    "", "soon", "2026-11-22", "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
    "2026-11-22T24:00:00Z", "2026-11-22T23:59:60Z", "0001-01-01T00:00:00+01:00",
    "2026-11-22T08:00:00Zx", "٢٠٢٦-11-22T08:00:00Z", "2026-11-22T08:00:00.Z\n",
]  # fmt: skip


def micros(text: str) -> int:
    """Microseconds since 1970."""
    return pa.scalar(text).cast(pa.timestamp("us", "UTC")).value


@pytest.mark.parametrize(("text", "instant"), STRICT.items())
def test_graphs_own_spelling_is_read_natively(text: str, instant: str) -> None:
    """0 to any number of digits, cut at the sixth, from year 1 to year 9999."""
    assert is_strict(text)
    assert to_times(pa.array([None, text]))[1].value == micros(instant)


@pytest.mark.parametrize("text", [*ODD, *NO_TIMES])
def test_other_spellings_do_not_pass_as_graphs_own(text: str) -> None:
    """Native reading and the slow path agree on what is odd."""
    assert not is_strict(text)
    with pytest.raises(Unfit):
        to_times(pa.array(["2026-11-22T08:00:00Z", text]))


@pytest.mark.parametrize(("text", "instant"), ODD.items())
def test_other_spellings_are_understood(text: str, instant: str) -> None:
    """Offsets, one-digit parts, a blank, small letters, no seconds: the same instant in UTC."""
    assert odd_time(text) == instant
    assert is_strict(instant)


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time_is_none(text: str) -> None:
    """It is not guessed."""
    assert odd_time(text) is None


def test_columns_without_a_value_are_times_too() -> None:
    """All null and empty arrays have the column's type."""
    for texts in (pa.nulls(2, pa.string()), pa.array([], pa.string())):
        assert to_times(texts).type == pa.timestamp("us", "UTC")
