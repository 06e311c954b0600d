"""Times in words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from web.times import Times, count, length

NOW = datetime(2026, 3, 2, 14, 47, tzinfo=UTC)
BERLIN = Times(ZoneInfo("Europe/Berlin"), NOW)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(minutes=12, seconds=20), "12 minutes"),
        (timedelta(minutes=90), "2 hours"),
        (timedelta(hours=23), "23 hours"),
        (timedelta(minutes=59, seconds=40), "1 hour"),
        (timedelta(hours=23, minutes=50), "1 day"),
        (timedelta(days=7), "7 days"),
        (timedelta(days=6, hours=23), "7 days"),
    ],
)
def test_length(span: timedelta, expected: str) -> None:
    assert length(span) == expected


@pytest.mark.parametrize(
    ("when", "clock", "at", "compact", "spoken"),
    [
        (NOW, "15:47", "at 15:47", "15:47", "today at 15:47"),
        (
            NOW + timedelta(hours=9),
            "tomorrow 00:47",
            "tomorrow at 00:47",
            "3 Mar 00:47",
            "tomorrow at 00:47",
        ),
        (
            NOW - timedelta(days=1),
            "yesterday 15:47",
            "yesterday at 15:47",
            "1 Mar 15:47",
            "yesterday at 15:47",
        ),
        (
            NOW + timedelta(days=7),
            "9 Mar 15:47",
            "on 9 Mar at 15:47",
            "9 Mar 15:47",
            "on Monday, 9 March, at 15:47",
        ),
        (
            NOW - timedelta(days=400),
            "26 Jan 2025 15:47",
            "on 26 Jan 2025 at 15:47",
            "26 Jan 2025",
            "on Sunday, 26 January 2025, at 15:47",
        ),
    ],
    ids=["now", "tomorrow", "yesterday", "in a week", "long ago"],
)
def test_moments(when: datetime, clock: str, at: str, compact: str, spoken: str) -> None:
    found = (BERLIN.clock(when), BERLIN.at(when), BERLIN.compact(when), BERLIN.spoken(when))
    assert found == (clock, at, compact, spoken)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", "2 Mar 2026, 15:47:00 CET (UTC+01:00)"),
        ("UTC", "2 Mar 2026, 14:47:00 UTC"),
        ("Asia/Kathmandu", "2 Mar 2026, 20:32:00 UTC+05:45"),
        ("America/St_Johns", "2 Mar 2026, 11:17:00 NST (UTC-03:30)"),
    ],
)
def test_a_full_time_means_the_same_everywhere(zone: str, expected: str) -> None:
    assert Times(ZoneInfo(zone), NOW).full(NOW) == expected
    assert Times(ZoneInfo(zone), NOW).iso(NOW) == "2026-03-02T14:47:00Z"


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC", "UTC"), ("Europe/Berlin", "Europe/Berlin, CET (UTC+01:00)")],
)
def test_a_zone_is_named_once(zone: str, expected: str) -> None:
    assert Times(ZoneInfo(zone), NOW).name() == expected


def test_the_offset_is_that_of_the_moment_told() -> None:
    summer = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert BERLIN.full(summer) == "1 Jul 2026, 14:00:00 CEST (UTC+02:00)"


@pytest.mark.parametrize(
    ("away", "expected"),
    [
        (timedelta(minutes=-3), "just now"),  # by a clock that is ahead of ours
        (timedelta(0), "just now"),
        (timedelta(milliseconds=900), "just now"),
        (timedelta(seconds=1), "1 second ago"),
        (timedelta(seconds=59, milliseconds=700), "1 minute ago"),
        (timedelta(hours=3), "3 hours ago"),
    ],
)
def test_ago(away: timedelta, expected: str) -> None:
    assert BERLIN.ago(NOW - away) == expected


@pytest.mark.parametrize(
    ("away", "expected"),
    [
        (timedelta(minutes=-3), "due now"),
        (timedelta(0), "due now"),
        (timedelta(milliseconds=900), "due now"),
        (timedelta(seconds=1), "in 1 second"),
        (timedelta(minutes=12), "in 12 minutes"),
        (timedelta(days=7), "in 7 days"),
    ],
)
def test_ahead(away: timedelta, expected: str) -> None:
    assert BERLIN.ahead(NOW + away) == expected


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 days"), (1, "1 day"), (1000, "1,000 days")]
)
def test_count(number: int, expected: str) -> None:
    assert count(number, "day") == expected
