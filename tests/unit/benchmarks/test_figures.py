"""What the benchmarks print: medians, ratios of one round, tables that line up."""

import pytest

from benchmarks.table import median_ratio, percentile, rate_cells, render, spread


def test_a_ratio_is_taken_within_a_round() -> None:
    # The machine was half as fast in the second round, for both.
    assert median_ratio([400, 200, 440], [100, 50, 100]) == 4


def test_a_ratio_needs_as_many_rounds_of_both() -> None:
    with pytest.raises(ValueError, match="shorter"):
        median_ratio([1, 2], [1])


def test_the_first_is_compared_with_itself() -> None:
    rates = {"Postfix": [100.0, 50.0, 100.0], "Sendtrace": [400.0, 200.0, 440.0]}
    assert list(rate_cells(rates, "Postfix")) == [
        ["Postfix", "100", "1.00", "50-100"],
        ["Sendtrace", "400", "4.00", "200-440"],
    ]


def test_without_the_first_there_is_no_ratio() -> None:
    assert list(rate_cells({"Exim": [10.0]}, "Postfix")) == [["Exim", "10", "-", "10-10"]]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.99, 99), (0.001, 1), (1, 100)], ids=str
)
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == expected


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([3.0], 0.5) == percentile([3.0], 0.99) == 3.0


def test_spread_is_from_the_lowest_to_the_highest() -> None:
    assert spread([3.4, 1.2, 2.0]) == "1-3"


def test_numbers_stand_to_the_right() -> None:
    assert render(["relay", "a second"], [["Exim", "-"], ["Haraka", "1234"]]).splitlines() == [
        "| relay  | a second |",
        "| ------ | -------: |",
        "| Exim   |        - |",
        "| Haraka |     1234 |",
    ]
