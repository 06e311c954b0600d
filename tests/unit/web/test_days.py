"""Whole days of the viewer's calendar."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from web.insight.days import days_of
from web.times import Times
from web.track.filters import query_of
from web.track.form_text import Period, write_text

NOW = datetime(2026, 3, 2, 14, 47, tzinfo=UTC)
KEPT = timedelta(days=60)


@pytest.mark.parametrize(
    ("zone", "period", "since", "until", "words"),
    [
        ("UTC", Period.TODAY, "2026-03-02T00:00", "2026-03-03T00:00", "2 Mar 2026"),
        ("Europe/Berlin", Period.TODAY, "2026-03-01T23:00", "2026-03-02T23:00", "2 Mar 2026"),
        ("Pacific/Auckland", Period.TODAY, "2026-03-02T11:00", "2026-03-03T11:00", "3 Mar 2026"),
        ("America/Los_Angeles", Period.YESTERDAY, "2026-03-01T08:00", "2026-03-02T08:00",
         "1 Mar 2026"),
        ("UTC", Period.WEEK, "2026-02-24T00:00", "2026-03-03T00:00", "24 Feb 2026 to 2 Mar 2026"),
        ("UTC", Period.MONTH, "2026-02-01T00:00", "2026-03-03T00:00", "1 Feb 2026 to 2 Mar 2026"),
        ("UTC", Period.KEPT, "2026-03-02T00:00", "2026-03-03T00:00", "2 Mar 2026"),
    ],
)  # fmt: skip
def test_days_are_the_viewer_s_and_the_list_has_the_same(
    zone: str, period: Period, since: str, until: str, words: str
) -> None:
    times = Times(ZoneInfo(zone), NOW)
    days = days_of(period, times, KEPT)
    assert (days.since, days.until) == tuple(
        datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (since, until)
    )
    assert days.words == words
    query, _ = query_of(write_text(days.form), times, KEPT)
    assert query.since == days.since
    assert query.until is None or query.until == days.until


def test_no_more_days_than_are_kept() -> None:
    days = days_of(Period.MONTH, Times(ZoneInfo("UTC"), NOW), timedelta(days=3))
    assert days.words == "27 Feb 2026 to 2 Mar 2026"
