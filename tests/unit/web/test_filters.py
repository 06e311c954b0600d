"""From the URL of a list to a query, and back."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.model import RecipientId
from web.times import Times
from web.track.filters import (
    Asked,
    is_zone,
    oldest_kept,
    query_of,
    range_in_words,
    read_asked,
    write_asked,
    zones,
)

NOW = datetime(2026, 3, 2, 14, 47, tzinfo=UTC)
RETENTION = timedelta(days=60)
SOME_ID = RecipientId("01KJQ9CVD0E00AYKCS3YMYPZGJ")


def times(zone: str, now: datetime = NOW) -> Times:
    return Times(ZoneInfo(zone), now)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_without_a_search_it_is_the_opening() -> None:
    assert read_asked({}, "Europe/Berlin", "since:today") == Asked(
        text="since:today", zone="Europe/Berlin"
    )
    assert read_asked({"q": ""}, "UTC", "since:today") == Asked(text="")


def test_what_is_said_wrongly_counts_as_not_said() -> None:
    params = {"zone": "../../etc/passwd", "before": "x", "after": "'; DROP TABLE", "open": ""}
    assert read_asked(params, "UTC", "bob") == Asked(text="bob")


IDS = st.none() | st.just(SOME_ID)


@given(
    st.builds(
        Asked,
        text=st.text(st.characters(exclude_categories=["Cs"]), max_size=50).map(str.strip),
        zone=st.sampled_from(zones()),
        before=IDS,
        after=IDS,
        opened=IDS,
    )
)
def test_a_list_survives_its_url(asked: Asked) -> None:
    params = dict(parse_qsl(write_asked(asked), keep_blank_values=True))
    assert read_asked(params, "UTC", "other") == asked


def test_another_search_begins_on_its_first_page() -> None:
    asked = Asked(text="a", before=SOME_ID, opened=SOME_ID)
    assert asked.but(text="b") == Asked(text="b")


@pytest.mark.parametrize(
    ("zone", "text", "since", "until"),
    [
        ("UTC", "since:today", "2026-03-02T00:00", None),
        ("Europe/Berlin", "since:today", "2026-03-01T23:00", None),
        ("Pacific/Auckland", "since:today", "2026-03-02T11:00", None),
        ("America/Los_Angeles", "since:yesterday until:yesterday",
         "2026-03-01T08:00", "2026-03-02T08:00"),
        ("UTC", "since:24h", "2026-03-01T14:47", None),
        ("UTC", "since:7d", "2026-02-23T14:47", None),
        ("Europe/Berlin", "since:this-month", "2026-02-28T23:00", None),
        ("UTC", "since:last-month until:last-month", "2026-02-01T00:00", "2026-03-01T00:00"),
        ("UTC", "", "2026-01-01T00:00", None),
        ("Europe/Berlin", "bob", "2025-12-31T23:00", None),
        ("UTC", "since:2020-01-01", "2026-01-01T00:00", None),
        ("UTC", "until:2026-01-05", "2026-01-01T00:00", "2026-01-06T00:00"),
    ],
)  # fmt: skip
def test_ranges_are_the_viewer_s_and_within_what_is_kept(
    zone: str, text: str, since: str, until: str | None
) -> None:
    query, days = query_of(text, times(zone), RETENTION)
    assert (query.since, query.until) == (utc(since), utc(until) if until else None)
    assert (days.since, days.until) == (query.since, query.until)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Africa/Cairo", "2026-04-24", 23),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
    ],
    ids=["spring", "autumn", "midnight does not exist", "half an hour"],
)
def test_days_on_which_the_clocks_change(zone: str, day: str, hours: float) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone))
    _, today = query_of("since:today until:today", times(zone, noon.astimezone(UTC)), RETENTION)
    assert today.until is not None
    assert today.until - today.since == timedelta(hours=hours)
    tomorrow = times(zone, noon.astimezone(UTC) + timedelta(days=1))
    _, yesterday = query_of("since:yesterday until:yesterday", tomorrow, RETENTION)
    assert yesterday == today


@pytest.mark.parametrize(
    ("text", "words", "cut", "gone"),
    [
        ("since:2026-02-20 until:2026-02-24", "20 Feb 2026 to 24 Feb 2026", False, False),
        ("since:2026-02-20", "20 Feb 2026 to 2 Mar 2026", False, False),
        ("since:2026-02-20 until:2026-02-20", "20 Feb 2026", False, False),
        ("since:today", "2 Mar 2026", False, False),
        ("since:today until:2027-01-01", "2 Mar 2026", False, False),
        ("", "1 Jan 2026 to 2 Mar 2026", False, False),
        ("since:2020-01-01 until:2026-01-05", "1 Jan 2026 to 5 Jan 2026", True, False),
        ("since:2020-01-01 until:2020-01-05", "1 Jan 2026", True, True),
        ("until:2025-12-31", "1 Jan 2026", True, True),
        ("since:24h", "since 1 Mar 2026, 14:47", False, False),
        ("since:2026-03-01T08:15 until:2026-03-02", "1 Mar 2026, 08:15 to 3 Mar 2026, 00:00",
         False, False),
        ("since:2026-03-01 until:2026-03-01T08:15", "1 Mar 2026, 00:00 to 1 Mar 2026, 08:15",
         False, False),
    ],
)  # fmt: skip
def test_a_range_in_words(text: str, words: str, cut: bool, gone: bool) -> None:
    """An absolute day is the same wherever the viewer is; what is not kept is said."""
    _, days = query_of(text, times("UTC"), RETENTION)
    assert (range_in_words(days, times("UTC")), days.cut, days.is_gone) == (words, cut, gone)


def test_the_oldest_day_is_the_viewer_s() -> None:
    assert oldest_kept(times("Pacific/Kiritimati"), RETENTION) == utc("2026-01-01T10:00")


def test_zones_are_those_of_places() -> None:
    assert is_zone("Europe/Vienna")
    assert is_zone("UTC")
    assert not is_zone("posixrules")
    assert not is_zone("Etc/GMT+5")
