"""Which sizes and counts a comparison names: a table."""

import pytest

from tracker.search.amounts import MOST, read_counts, read_sizes

MB = 1_000_000


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        (">1MB", MB + 1, MOST),
        (">=1mb", MB, MOST),
        ("<1MB", 0, MB - 1),
        ("<=1MB", 0, MB),
        ("=1MB", MB, MB),
        ("1MB..5MB", MB, 5 * MB),
        ("1..5MB", MB, 5 * MB),
        ("1MB..", MB, MOST),
        ("..5MB", 0, 5 * MB),
        ("<=1.5MB", 0, 3 * MB // 2),
        (">999999999999999MB", MOST, MOST),
    ],
)
def test_a_size(text: str, least: int, most: int) -> None:
    assert read_sizes(text) == (least, most)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("3", 3, 3),
        ("=3", 3, 3),
        (">3", 4, MOST),
        (">=3", 3, MOST),
        ("<3", 0, 2),
        ("<=3", 0, 3),
        ("1..3", 1, 3),
        ("3..3", 3, 3),
        ("3..", 3, MOST),
        ("..3", 0, 3),
    ],
)
def test_a_count(text: str, least: int, most: int) -> None:
    assert read_counts(text) == (least, most)


@pytest.mark.parametrize(
    "text", ["", "..", "1MB", ">1", "5MB..1MB", "1..5", "1MB..5XB", ">-1MB", "1MB..2MB..3MB"]
)
def test_no_size(text: str) -> None:
    with pytest.raises(ValueError):
        read_sizes(text)


@pytest.mark.parametrize("text", ["", "..", "3..1", "-1", "1.5", "x", ">", "1..2..3"])
def test_no_count(text: str) -> None:
    with pytest.raises(ValueError):
        read_counts(text)
