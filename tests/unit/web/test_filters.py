"""From the URL to a query, and back."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.model import RecipientId, Status
from tracker.search import STATUS_WORDS, Field, Query, Term
from web.filters import (
    STATUSES,
    Choice,
    Filter,
    Period,
    base_query,
    is_zone,
    range_of,
    read_filter,
    with_choice,
    write_filter,
    zones,
)
from web.times import Times

NOW = datetime(2026, 3, 2, 14, 47, tzinfo=UTC)
RETENTION = timedelta(days=60)
SOME_ID = RecipientId("01KJQ9CVD0E00AYKCS3YMYPZGJ")


def times(zone: str, now: datetime = NOW) -> Times:
    return Times(ZoneInfo(zone), now)


def test_what_is_not_said_is_the_classic_opening() -> None:
    asked = read_filter({}, "Europe/Berlin")
    assert asked == Filter(choice=Choice.ACCEPTED, period=Period.TODAY, zone="Europe/Berlin")


def test_what_is_said_wrongly_counts_as_not_said() -> None:
    params = {
        "outcome": "nice",
        "range": "ever",
        "from": "2026-02-30",
        "until": "yesterday",
        "zone": "../../etc/passwd",
        "before": "x",
        "after": "'; DROP TABLE",
        "open": "",
    }
    assert read_filter(params, "UTC") == Filter(zone="UTC")


DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=50)


@given(
    st.builds(
        Filter,
        choice=st.sampled_from(Choice),
        period=st.just(Period.OWN),
        since=st.none() | DAYS,
        until=st.none() | DAYS,
        to=TEXTS,
        text=TEXTS,
        zone=st.sampled_from(zones()),
        before=st.none() | st.just(SOME_ID),
        after=st.none() | st.just(SOME_ID),
        opened=st.none() | st.just(SOME_ID),
    )
)
def test_a_filter_survives_its_url(asked: Filter) -> None:
    assert read_filter(dict(parse_qsl(write_filter(asked))), "UTC") == asked


@pytest.mark.parametrize(
    ("zone", "period", "since", "until"),
    [
        ("UTC", Period.TODAY, "2026-03-02T00:00", "2026-03-03T00:00"),
        ("Europe/Berlin", Period.TODAY, "2026-03-01T23:00", "2026-03-02T23:00"),
        ("Pacific/Auckland", Period.TODAY, "2026-03-02T11:00", "2026-03-03T11:00"),
        ("America/Los_Angeles", Period.YESTERDAY, "2026-03-01T08:00", "2026-03-02T08:00"),
        ("UTC", Period.WEEK, "2026-02-24T00:00", "2026-03-03T00:00"),
        ("UTC", Period.MONTH, "2026-02-01T00:00", "2026-03-03T00:00"),
        ("UTC", Period.KEPT, "2026-01-01T00:00", "2026-03-03T00:00"),
    ],
)
def test_days_are_the_viewer_s(zone: str, period: Period, since: str, until: str) -> None:
    found = range_of(Filter(period=period), times(zone), RETENTION)
    assert found.since == datetime.fromisoformat(since).replace(tzinfo=UTC)
    assert found.until == datetime.fromisoformat(until).replace(tzinfo=UTC)
    assert not found.cut


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
    found = range_of(Filter(), times(zone, noon.astimezone(UTC)), RETENTION)
    assert found.until - found.since == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("since", "until", "words", "cut"),
    [
        (date(2026, 2, 20), date(2026, 2, 24), "20 Feb 2026 to 24 Feb 2026", False),
        (date(2026, 2, 24), date(2026, 2, 20), "20 Feb 2026 to 24 Feb 2026", False),
        (date(2026, 2, 20), None, "20 Feb 2026 to 2 Mar 2026", False),
        (None, date(2026, 2, 20), "20 Feb 2026", False),
        (None, None, "2 Mar 2026", False),
        (date(2020, 1, 1), date(2026, 1, 5), "1 Jan 2026 to 5 Jan 2026", True),
        (date(1, 1, 1), date(9999, 12, 31), "1 Jan 2026 to 2 Mar 2026", True),
        (date(9999, 12, 31), date(9999, 12, 31), "2 Mar 2026", False),
    ],
    ids=[
        "in order", "turned round", "no end", "no beginning", "nothing", "too old", "for ever",
        "the future",
    ],
)  # fmt: skip
def test_an_own_range(since: date | None, until: date | None, words: str, cut: bool) -> None:
    asked = Filter(period=Period.OWN, since=since, until=until)
    found = range_of(asked, times("Pacific/Kiritimati", NOW - timedelta(hours=14)), RETENTION)
    assert (found.words, found.cut) == (words, cut)


def test_a_range_in_the_search_box_goes_before_the_form() -> None:
    asked = Filter(text="since:2026-02-01", period=Period.TODAY)
    days = range_of(asked, times("UTC"), RETENTION)
    query = base_query(asked, days, times("UTC"))
    assert query.since == datetime(2026, 2, 1, tzinfo=UTC)
    assert query.until is None


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("status:deferred", Choice.ALL),
        ("to:bob -STATUS:delivered", Choice.ALL),
        ("subject:status", Choice.ACCEPTED),
        ("", Choice.ACCEPTED),
    ],
)
def test_a_status_in_the_search_box_goes_before_the_outcome(text: str, choice: Choice) -> None:
    assert read_filter({"q": text, "outcome": "accepted"}, "UTC").choice is choice


def test_the_recipient_field_is_a_term_like_any_other() -> None:
    asked = Filter(text="subject:order", to="bob@example.org")
    days = range_of(asked, times("UTC"), RETENTION)
    query = base_query(asked, days, times("UTC"))
    assert query.terms == (
        Term(field=Field.SUBJECT, value="order"),
        Term(field=Field.TO, value="bob@example.org"),
    )
    assert (query.since, query.until) == (days.since, days.until)


@pytest.mark.parametrize("choice", Choice)
def test_the_terms_of_a_choice_select_its_statuses(choice: Choice) -> None:
    selected = set(Status)
    for term in with_choice(Query(), choice).terms:
        named = STATUS_WORDS[term.value]
        selected = selected - named if term.negated else selected & named
    assert selected == STATUSES[choice]


def test_every_status_is_in_one_list() -> None:
    lists = [STATUSES[choice] for choice in Choice if choice is not Choice.ALL]
    assert sorted(status for one in lists for status in one) == sorted(Status)


def test_zones_are_those_of_places() -> None:
    assert is_zone("Europe/Vienna")
    assert is_zone("UTC")
    assert not is_zone("posixrules")
    assert not is_zone("Etc/GMT+5")
