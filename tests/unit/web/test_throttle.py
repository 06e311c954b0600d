"""The sliding window."""

from datetime import timedelta

import pytest

from tests.support.clock import START
from web.throttle import KEYS_KEPT, Throttle, network_of

WINDOW = timedelta(minutes=15)
SECOND = timedelta(seconds=1)


def test_the_window_slides() -> None:
    throttle = Throttle(3, WINDOW)
    for number in range(3):
        assert throttle.blocked_until(["a"], START + number * SECOND) is None
        throttle.begin(["a"], START + number * SECOND)
    assert throttle.blocked_until(["a"], START + 3 * SECOND) == START + WINDOW
    assert throttle.blocked_until(["a"], START + WINDOW - SECOND) == START + WINDOW
    assert throttle.blocked_until(["a"], START + WINDOW) is None
    throttle.begin(["a"], START + WINDOW)
    assert throttle.blocked_until(["a"], START + WINDOW) == START + WINDOW + SECOND


def test_keys_are_apart_and_the_longest_wait_counts() -> None:
    throttle = Throttle(1, WINDOW)
    throttle.begin(["a"], START)
    throttle.begin(["b"], START + SECOND)
    assert throttle.blocked_until(["c"], START + SECOND) is None
    assert throttle.blocked_until(["a", "b", "c"], START + SECOND) == START + SECOND + WINDOW


def test_a_success_is_taken_back_and_nothing_else() -> None:
    throttle = Throttle(2, WINDOW)
    throttle.begin(["a"], START)
    throttle.begin(["a"], START + SECOND)
    throttle.take_back(["a", "unknown"], START + SECOND)
    assert throttle.blocked_until(["a"], START + SECOND) is None
    throttle.begin(["a"], START + 2 * SECOND)
    assert throttle.blocked_until(["a"], START + 2 * SECOND) == START + WINDOW


def test_memory_is_bounded() -> None:
    throttle = Throttle(1, WINDOW)
    for number in range(KEYS_KEPT + 1):
        throttle.begin([str(number)], START)
    assert throttle.blocked_until(["0"], START) is None, "the oldest is forgotten"
    assert throttle.blocked_until(["1"], START) is not None


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("", ""),
    ],
)
def test_whoever_has_one_address_of_a_64_has_all(address: str, counted: str) -> None:
    assert network_of(address) == counted
