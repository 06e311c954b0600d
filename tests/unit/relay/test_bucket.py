"""Tokens at an even pace."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.bucket import Bucket, Line, Pace


@pytest.mark.parametrize(
    ("pace", "asked_at", "given"),
    [
        pytest.param(Pace(1, 1), [0, 0, 0.5, 1, 1.5, 2], [1, 0, 0, 1, 0, 1], id="one a second"),
        pytest.param(Pace(1, 3), [0, 0, 0, 0, 1, 1], [1, 1, 1, 0, 1, 0], id="begins full"),
        pytest.param(Pace(1, 2), [0, 0, 100, 100, 100], [1, 1, 1, 1, 0], id="saves no more"),
        pytest.param(Pace(0.1, 1), [0, 9.9, 10], [1, 0, 1], id="slow"),
        pytest.param(Pace(1, 1), [5, 4, 5.5, 6], [1, 0, 0, 1], id="a clock that went back"),
    ],
)
def test_tokens(pace: Pace, asked_at: list[float], given: list[bool]) -> None:
    bucket = Bucket(pace, asked_at[0])
    assert [bucket.take(now) for now in asked_at] == given


def test_waiting_as_long_as_told_is_enough() -> None:
    bucket = Bucket(Pace(0.7, 1), 0)
    now = 0.0
    for _ in range(1000):
        now += bucket.wait(now)
        assert bucket.take(now)
    assert now == pytest.approx(999 / 0.7)


def test_another_pace_takes_nothing_back_but_what_is_over() -> None:
    bucket = Bucket(Pace(2, 4), 0)
    bucket.change(Pace(1, 2), 0)
    assert [bucket.take(0) for _ in range(3)] == [True, True, False]
    bucket.change(Pace(4, 4), 1)
    assert [bucket.take(1), bucket.take(1), bucket.take(1.25)] == [True, False, True]
    assert not bucket.is_full(2)
    assert bucket.is_full(2.25)


class Step(NamedTuple):
    after: float
    tokens: int
    """How many are asked for."""


@given(
    pace=st.builds(Pace, st.floats(0.001, 100), st.floats(1, 50)),
    steps=st.lists(st.builds(Step, st.floats(0, 1000), st.integers(1, 100)), max_size=50),
)
def test_never_more_than_the_pace_and_what_was_saved(pace: Pace, steps: list[Step]) -> None:
    bucket, now = Bucket(pace, 0), 0.0
    taken: list[float] = []
    for step in steps:
        now += step.after
        taken += [now for _ in range(step.tokens) if bucket.take(now)]
    for first, begin in enumerate(taken):
        for last in range(first, len(taken)):
            span = taken[last] - begin
            assert last - first + 1 <= pace.per_second * span + pace.burst + 1e-3


@given(pace=st.builds(Pace, st.floats(0.001, 100), st.floats(1, 50)), steps=st.integers(1, 60))
def test_whoever_comes_when_told_gets_all_there_is(pace: Pace, steps: int) -> None:
    bucket, now = Bucket(pace, 0), 0.0
    for _ in range(steps):
        now += bucket.wait(now)
        assert bucket.take(now)
    assert now <= max(0.0, steps - pace.burst + 1) / pace.per_second + 1e-3


def test_a_line_moves_at_the_pace_of_the_limit() -> None:
    line = Line()
    assert line.is_empty(100)
    assert [line.join(100, 3, 2, 3600) for _ in range(3)] == [3, 3.5, 4]
    assert not line.is_empty(103.9)
    assert line.join(101, 0, 2, 3600) == 3.5, "behind the others, token or not"
    assert line.is_empty(105)
    assert line.join(105, 7, 2, 3600) == 7


def test_a_line_does_not_reach_further_than_it_may() -> None:
    line = Line()
    assert [line.join(0, 1, 0.1, 15) for _ in range(4)] == [1, 11, 15, 15]
