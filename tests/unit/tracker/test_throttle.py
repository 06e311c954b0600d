"""The sliding window."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import START
from tracker.throttle import KEYS_KEPT, Throttle

WINDOW = timedelta(minutes=15)
SECOND = timedelta(seconds=1)


def fail(throttle: Throttle, key: str, at: datetime) -> bool:
    """Fail once if that is allowed; say whether it was."""
    began = throttle.begin([key], at)
    if began:
        throttle.end([key], at)
    return began


def test_the_window_slides() -> None:
    throttle = Throttle(3, WINDOW)
    for number in range(3):
        assert throttle.blocked_until(["a"], START + number * SECOND) is None
        assert fail(throttle, "a", START + number * SECOND)
    assert throttle.blocked_until(["a"], START + 3 * SECOND) == START + WINDOW
    assert not fail(throttle, "a", START + WINDOW - SECOND)
    assert throttle.blocked_until(["a"], START + WINDOW - SECOND) == START + WINDOW
    assert throttle.blocked_until(["a"], START + WINDOW) is None
    assert fail(throttle, "a", START + WINDOW)
    assert throttle.blocked_until(["a"], START + WINDOW) == START + WINDOW + SECOND


def test_keys_are_apart_and_the_longest_wait_counts() -> None:
    throttle = Throttle(1, WINDOW)
    fail(throttle, "a", START)
    fail(throttle, "b", START + SECOND)
    assert throttle.blocked_until(["c"], START + SECOND) is None
    assert throttle.blocked_until(["a", "b", "c"], START + SECOND) == START + SECOND + WINDOW
    assert not throttle.begin(["c", "a"], START + SECOND)
    assert throttle.begin(["c"], START + SECOND), "nothing of the refused try was counted"


def test_no_more_are_under_way_than_failures_are_left() -> None:
    throttle = Throttle(3, WINDOW)
    fail(throttle, "a", START)
    assert [throttle.begin(["a"], START) for _ in range(3)] == [True, True, False]
    assert throttle.blocked_until(["a"], START) is None, "they may all be right"
    throttle.end(["a"], None)
    assert throttle.begin(["a"], START)
    throttle.end(["a"], START)
    throttle.end(["a"], START)
    assert throttle.blocked_until(["a"], START) == START + WINDOW


def test_memory_is_bounded() -> None:
    throttle = Throttle(1, WINDOW)
    for number in range(KEYS_KEPT + 1):
        fail(throttle, str(number), START)
    assert throttle.blocked_until(["0"], START) is None, "the oldest is forgotten"
    assert throttle.blocked_until(["1"], START) is not None


# --- what the ledger tells -------------------------------------------------------------------


def at(*seconds: int) -> list[datetime]:
    return [START + second * SECOND for second in seconds]


@pytest.mark.parametrize(
    ("told", "until"),
    [
        pytest.param([[10]], None, id="nobody else"),
        pytest.param([[1, 10]], None, id="one elsewhere"),
        pytest.param([[1, 2, 10]], 1, id="as many as may be"),
        pytest.param([[1, 2, 3, 4, 10]], 3, id="more than may be"),
        pytest.param([[1, 2, 10], [1, 10]], 1, id="an older answer comes later"),
        pytest.param([[1, 10], [1, 2, 10]], 1, id="a newer answer comes later"),
        pytest.param([[1, 2, 10], [11]], None, id="the others are out of the window"),
        pytest.param([[]], None, id="it knows of none"),
    ],
)
def test_failures_elsewhere_count(told: Sequence[Sequence[int]], until: int | None) -> None:
    throttle = Throttle(3, WINDOW)
    assert fail(throttle, "a", START + 10 * SECOND)
    for seconds in told:
        throttle.learn("a", START + 10 * SECOND, at(*seconds))
    blocked = throttle.blocked_until(["a"], START + 11 * SECOND)
    assert blocked == (None if until is None else START + until * SECOND + WINDOW)


def test_what_the_ledger_could_not_be_told_counts_besides() -> None:
    throttle = Throttle(3, WINDOW)
    for second in (1, 2, 3):
        assert fail(throttle, "a", START + second * SECOND)
    throttle.learn("a", START + 2 * SECOND, at(2))
    assert throttle.blocked_until(["a"], START + 4 * SECOND) == START + SECOND + WINDOW
    throttle.learn("a", START + 3 * SECOND, at(3))
    assert throttle.blocked_until(["a"], START + 4 * SECOND) is None, "2 is out of the window"


@given(
    limit=st.integers(1, 6),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 400)), max_size=60),
)
def test_two_nodes_let_through_one_more_than_one_node(
    limit: int, steps: Sequence[tuple[bool, int]]
) -> None:
    """Whoever does not know yet that the limit is reached learns it with one more failure."""
    nodes = Throttle(limit, WINDOW), Throttle(limit, WINDOW)
    ledger: list[datetime] = []
    now = START
    for which, seconds in steps:
        now += seconds * SECOND
        node = nodes[which]
        before = [when for when in ledger if when + WINDOW > now]
        allowed = fail(node, "a", now)
        if allowed:
            ledger.append(now)
            node.learn("a", now, [*before, now])
            blocked = node.blocked_until(["a"], now) is not None
            assert blocked == (len(before) + 1 >= limit)
        assert len(before) + allowed <= limit + 1
