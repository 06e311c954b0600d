"""Durations and sizes: what is read, what is refused and with which words, and the way back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7d", 604800),
        ("15m", 900),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("30s", 30),
        ("500ms", 0.5),
        ("1d2h3m4s5ms", 93784.005),
        ("90m", 5400),
        ("0s", 0),
        (" 5 m ", 300),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        ("30", "a number and a unit"),
        ("-5m", "a number and a unit"),
        ("1.5h", "a number and a unit"),
        ("5 minutes", "unknown unit 'minutes'"),
        ("5M", "unknown unit 'M'"),
        ("30m1h", "large to small"),
        ("1h1h", "each is used once"),
        ("5mx", "unknown unit 'mx'"),
        ("5m!", "'!'"),
        ("40000d", "100 years"),
        ("9" * 5000 + "s", "100 years"),
        ("٣m", "a number and a unit"),
    ],
)
def test_a_wrong_duration_is_explained(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("25MiB", 26214400),
        ("10MB", 10_000_000),
        ("512KiB", 524288),
        ("1000 B", 1000),
        ("1kB", 1000),
        ("1KB", 1000),
        ("2GiB", 2**31),
        ("0B", 0),
    ],
)
def test_a_size_is_read(text: str, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1000", "a whole number and a unit"),
        ("", "a whole number and a unit"),
        ("-1B", "a whole number and a unit"),
        ("1.5MiB", "a whole number and a unit"),
        ("25M", "unknown unit 'M'"),
        ("25mib", "unknown unit 'mib'"),
        ("9" * 5000 + "B", "too large"),
    ],
)
def test_a_wrong_size_is_explained(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_size(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(604800, "7d"), (5400, "1h30m"), (0, "0s"), (0.25, "250ms"), (61, "1m1s")],
)
def test_a_duration_is_written_in_its_own_units(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(26214400, "25MiB"), (10_000_000, "10MB"), (1001, "1001B"), (0, "0B"), (1000, "1kB")],
)
def test_a_size_is_written_in_the_largest_unit_that_fits(count: int, text: str) -> None:
    assert format_size(count) == text


@given(st.integers(0, 36_500 * 86_400_000))
def test_every_duration_survives_writing_and_reading(milliseconds: int) -> None:
    value = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(value)) == value


@given(st.integers(0, 2**49))
def test_every_size_survives_writing_and_reading(count: int) -> None:
    assert parse_size(format_size(count)) == count


@given(st.text())
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        assert parse_duration(text) >= timedelta()
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("value", [timedelta(seconds=-1), timedelta(microseconds=1)])
def test_a_duration_without_a_notation_is_refused(value: timedelta) -> None:
    with pytest.raises(ValueError, match="duration"):
        format_duration(value)


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        format_size(-1)
