"""Portions of a list; pure."""

import pytest

from web.portion import SIZE, portion_of

ROWS = list(range(2 * SIZE + 7))


@pytest.mark.parametrize("start", ["", "0", "-1", "x", "1e1", "107", "9" * 30, "\u00b2", "1.0"])
def test_what_is_no_place_in_the_list_is_its_beginning(start: str) -> None:
    portion = portion_of(ROWS, "/list", {}, start)
    assert portion.rows == ROWS[:SIZE]
    assert (portion.first, portion.last, portion.total) == (1, SIZE, len(ROWS))
    assert (portion.before, portion.after) == ("", f"/list?from={SIZE}")


def test_the_links_lead_through_all_of_it_and_back() -> None:
    portion = portion_of(ROWS, "/list", {"q": "a b&c"}, "")
    seen = [*portion.rows]
    while portion.after:
        assert portion.after.startswith("/list?q=a+b%26c&from=")
        portion = portion_of(ROWS, "/list", {"q": "a b&c"}, portion.after.rpartition("=")[2])
        seen += portion.rows
    assert seen == ROWS
    assert (portion.first, portion.last) == (2 * SIZE + 1, len(ROWS))
    assert portion.before == f"/list?q=a+b%26c&from={SIZE}"


@pytest.mark.parametrize("rows", [[], [1], ROWS[:SIZE]])
def test_a_short_list_has_one_portion(rows: list[int]) -> None:
    portion = portion_of(rows, "/list", {}, "")
    assert portion.is_all
    assert (portion.last, portion.total) == (len(rows), len(rows))
