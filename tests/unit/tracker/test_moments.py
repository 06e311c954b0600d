"""Months by name: they go with the viewer's calendar."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tracker.search import QueryError, parse


@pytest.mark.parametrize(
    ("text", "now", "zone", "since", "until"),
    [
        ("since:this-month", "2026-03-02T14:47", "UTC", "2026-03-01T00:00", None),
        ("since:this-month until:This-Month", "2026-12-31T22:59", "Europe/Berlin",
         "2026-11-30T23:00", "2026-12-31T23:00"),
        ("since:this-month", "2026-12-31T23:00", "Europe/Berlin", "2026-12-31T23:00", None),
        ("since:last-month until:last-month", "2026-03-31T12:00", "UTC",
         "2026-02-01T00:00", "2026-03-01T00:00"),
        ("since:last-month until:last-month", "2026-01-01T03:00", "America/New_York",
         "2025-11-01T04:00", "2025-12-01T05:00"),
        ("since:last-month until:last-month", "2026-04-15T12:00", "Europe/Berlin",
         "2026-02-28T23:00", "2026-03-31T22:00"),
    ],
    ids=["so far", "whole", "over the year", "short", "here still December", "clocks change"],
)  # fmt: skip
def test_months(text: str, now: str, zone: str, since: str, until: str | None) -> None:
    def utc(moment: str) -> datetime:
        return datetime.fromisoformat(moment).replace(tzinfo=UTC)

    query = parse(text, now=utc(now), zone=ZoneInfo(zone))
    assert query.since == utc(since)
    assert query.until == (utc(until) if until else None)


def test_the_months_are_among_what_a_mistake_is_told() -> None:
    with pytest.raises(QueryError, match="this-month, last-month"):
        parse("since:next-month", now=datetime(2026, 3, 2, tzinfo=UTC), zone=ZoneInfo("UTC"))
