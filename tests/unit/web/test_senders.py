"""Whose mail may have brought our address onto a list; pure."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.insight import SLOT, Figure
from web.insight.senders import Sender, Span, mail_of, senders_of, span_of
from web.times import Times

NOW = datetime(2026, 3, 2, 10, 37, tzinfo=UTC)
DAY = timedelta(days=1)


def test_the_most_doubtful_mail_comes_first() -> None:
    found = [
        Figure(("busy@a.example", "accepted"), 900),
        Figure(("busy@a.example", "address-unknown"), 2),
        Figure(("mailer@b.example", "content-spam"), 5),
        Figure(("mailer@b.example", "address-unknown"), 40),
        Figure(("mailer@b.example", "accepted"), 30),
        Figure(("", "mailbox-full"), 3),
        Figure(("calm@a.example", ""), 3),
    ]
    assert senders_of(found) == [
        Sender("mailer@b.example", 75, 5, 40),
        Sender("busy@a.example", 902, 0, 2),
        Sender("", 3, 0, 0),
        Sender("calm@a.example", 3, 0, 0),
    ]
    assert senders_of([]) == []


@pytest.mark.parametrize(
    ("first", "since"),
    [
        (NOW, datetime(2026, 3, 1, 10, 30, tzinfo=UTC)),
        (NOW - DAY, datetime(2026, 2, 28, 10, 30, tzinfo=UTC)),
        (NOW - 29 * DAY, datetime(2026, 2, 27, 10, 30, tzinfo=UTC)),
    ],
    ids=["just now", "a day ago", "weeks ago"],
)
def test_the_time_begins_a_day_before(first: datetime, since: datetime) -> None:
    assert span_of(first, NOW) == Span(since, datetime(2026, 3, 2, 10, 45, tzinfo=UTC))


@given(st.timedeltas(-3000 * DAY, 3000 * DAY))
def test_it_is_whole_slots_with_the_last_failure_in_it(later: timedelta) -> None:
    last = NOW + later
    since, until = span_of(last, last)
    assert until - SLOT <= last < until
    assert (until - since) % SLOT == timedelta(0)


def test_the_list_is_of_one_account_by_the_viewers_clock() -> None:
    times = Times(ZoneInfo("Europe/Berlin"), NOW)
    url = mail_of(span_of(NOW, NOW), times, "mailer@b.example")
    (text,) = parse_qs(url.partition("?")[2])["q"]
    assert text == 'account:"mailer@b.example" since:2026-03-01T11:30 until:2026-03-02T11:45'
