"""Chores take little at once, whatever a row of theirs costs."""

import pytest

from tracker.sqlite.portions import AIM, HALVING, LEAST, LONGEST_REST, next_size, rest_after

MS = 0.001


@pytest.mark.parametrize(
    ("size", "took", "following"),
    [
        (100, AIM, 100),
        (100, AIM * 2, 50),
        (100, AIM / 1.25, 125),
        (100, 0.0, 150),
        (100, 1.0, 25),
        (LEAST, 1.0, LEAST),
        (24, AIM * 1.5, LEAST),
        (LEAST, 0.1 * MS, 30),
    ],
)
def test_the_next_step_follows_from_the_last(size: int, took: float, following: int) -> None:
    assert next_size(size, took) == following


@pytest.mark.parametrize("cost", [0.01 * MS, 0.025 * MS, 0.05 * MS])
def test_steps_come_to_take_as_long_as_they_may(cost: float) -> None:
    size = LEAST
    for _ in range(10):
        size = next_size(size, size * cost)
    assert size * cost == pytest.approx(AIM, rel=0.1)


def test_one_unlucky_step_is_made_up_for() -> None:
    size = next_size(100, 1.0)
    for _ in range(5):
        size = next_size(size, size * AIM / 100)
    assert size == pytest.approx(100, rel=0.1)


@pytest.mark.parametrize(
    ("took", "is_busy", "rest"),
    [(1 * MS, True, 0.25), (1 * MS, False, 0), (1.0, True, LONGEST_REST), (1.0, False, 0)],
)
def test_the_turn_is_left_to_others_where_they_write(
    took: float, is_busy: bool, rest: float
) -> None:
    assert rest_after(took, 0.0, is_busy=is_busy) == pytest.approx(rest)


def test_a_chore_that_falls_behind_rests_less_and_less() -> None:
    rests = [rest_after(AIM, hours * 3600.0, is_busy=True) for hours in range(0, 48, 6)]
    assert rests[1] == pytest.approx(rests[0] * 0.5 ** (6 * 3600 / HALVING))
    assert rests == sorted(rests, reverse=True)
    assert rests[-1] < AIM


def test_a_million_goes_in_less_than_a_hundredth_of_the_time_and_many_millions_in_a_day() -> None:
    """Of steps of 25 messages each, which is what one of `AIM` does at least."""
    dropped, hours, share_at_a_million = 0.0, 0.0, 1.0
    while hours < 24:
        rest = rest_after(AIM, hours * 3600, is_busy=True)
        dropped += 25 * 360 / (AIM + rest)
        hours += 0.1
        if dropped < 1e6:
            share_at_a_million = AIM / (AIM + rest)
    assert share_at_a_million < 0.01
    assert dropped > 50e6
