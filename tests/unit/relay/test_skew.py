"""A clock that is wrong is said once, and once more when it is right again."""

from datetime import timedelta

from structlog.testing import capture_logs

from relay.skew import SkewWatch
from tests.support.clock import START
from tracker.model import Census, Lease, LeaseToken

OURS, THEIRS = LeaseToken("ours"), LeaseToken("theirs")


def census(skew: float, of_others: float = 0) -> Census:
    """Return a census in which our clock and that of others are so many seconds ahead."""
    leases = (
        Lease(
            token=token,
            node=token,
            worker=0,
            opened_at=START,
            renewed_at=START,
            until=START + timedelta(seconds=30),
            skew=timedelta(seconds=seconds),
        )
        for token, seconds in ((OURS, skew), (THEIRS, of_others))
    )
    return Census(now=START, leases=tuple(leases))


def levels(*skews: float, of_others: float = 0) -> list[tuple[str, str]]:
    """Return the level and the clock of what is logged when these are seen one after another."""
    with capture_logs() as logged:
        watch = SkewWatch()
        for skew in skews:
            watch.see(census(skew, of_others), OURS)
    return [(line["log_level"], line["clock"]) for line in logged]


def test_a_clock_that_is_right_is_not_mentioned() -> None:
    assert levels(0, 4.9, -4.9, 5) == []


def test_a_clock_that_is_wrong_is_mentioned_once() -> None:
    assert levels(6, 7, 600) == [("warning", "7.0 s ahead")]
    assert levels(-7, -6, -6, -6) == [("warning", "6.0 s behind")]


def test_a_renewal_that_was_slow_is_no_wrong_clock() -> None:
    assert levels(0, -20, 0, -20, 0) == []


def test_a_clock_that_is_right_again_is_mentioned_too() -> None:
    assert levels(6, 6, 0, 6, 0, 0, 3600, 3600) == [
        ("warning", "6.0 s ahead"),
        ("info", "in step"),
        ("warning", "1 h 0 min ahead"),
    ]


def test_the_clocks_of_others_are_theirs_to_mention() -> None:
    assert levels(0, 0, of_others=3600) == []
