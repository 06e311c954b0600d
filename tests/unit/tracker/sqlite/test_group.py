"""Who shares the next commit."""

import pytest

from tracker.sqlite.group import STEP, Pending, next_group


def pending(number: int, octets: int) -> Pending:
    return Pending(STEP, number, None, octets)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("octets", "group", "left"),
    [
        pytest.param([1, 2, 3], [0, 1, 2], [], id="all"),
        pytest.param([0, 0, 0, 0, 0, 0], [0, 1, 2, 3], [4, 5], id="as many as may be"),
        pytest.param([6, 4, 1], [0, 2], [1], id="small before large"),
        pytest.param([1, 9, 8, 1], [0, 3, 2], [1], id="by size to the bound"),
        pytest.param([50], [0], [], id="one that is larger than the bound"),
        pytest.param([50, 1, 1], [0], [1, 2], id="who has waited longest goes in any case"),
        pytest.param([9, 0, 1, 0, 0, 2], [0, 1, 3, 4], [2, 5], id="both bounds"),
    ],
)
def test_the_next_group(octets: list[int], group: list[int], left: list[int]) -> None:
    waiting = [pending(number, size) for number, size in enumerate(octets)]
    taken, rest = next_group(waiting, most=4, octets=10)
    assert [each.item for each in taken] == group
    assert [each.item for each in rest] == left


def test_everybody_has_a_turn_although_small_ones_keep_coming() -> None:
    waiting = [pending(0, 9), pending(1, 9), pending(2, 9)]
    seen: list[int] = []
    for number in range(3, 9):
        taken, waiting = next_group([*waiting, pending(number, 1)], most=4, octets=10)
        seen += [each.item for each in taken]
    assert {0, 1, 2} <= set(seen)
