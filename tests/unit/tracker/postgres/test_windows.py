"""How a search goes back: every moment once, in growing steps."""

from datetime import UTC, datetime, timedelta

import pytest

from tracker.postgres.windows import windows
from tracker.search import Field, Query, Term

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def lengths(days: int, query: Query, *, newest_first: bool) -> list[float]:
    parts = windows(query, BEGIN, BEGIN + days * DAY, newest_first=newest_first)
    return [(part.until - part.since) / DAY for part in parts if part.since and part.until]


@pytest.mark.parametrize("newest_first", [True, False])
def test_steps_grow_and_then_stay(newest_first: bool) -> None:
    assert lengths(30, Query(), newest_first=newest_first) == [1, 2, 4, 8, 8, 7]
    assert lengths(1, Query(), newest_first=newest_first) == [1]
    assert lengths(0, Query(), newest_first=newest_first) == []


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("days", [1, 2, 9, 60])
def test_the_parts_are_the_whole_in_order(days: int, newest_first: bool) -> None:
    parts = list(windows(Query(), BEGIN, BEGIN + days * DAY, newest_first=newest_first))
    if newest_first:
        parts.reverse()
    assert parts[0].since == BEGIN
    assert parts[-1].until == BEGIN + days * DAY
    assert [part.until for part in parts[:-1]] == [part.since for part in parts[1:]]


def test_the_range_of_the_query_is_kept() -> None:
    since, until = BEGIN + 1.5 * DAY, BEGIN + 3.25 * DAY
    term = Term(field=Field.TO, value="bob")
    query = Query(terms=(term,), since=since, until=until)
    newest, oldest = windows(query, BEGIN, BEGIN + 60 * DAY, newest_first=True)
    assert (newest.until, newest.since) == (until, until - DAY)
    assert (oldest.until, oldest.since) == (until - DAY, since)
    assert newest.terms == oldest.terms == (term,)


def test_a_range_beside_what_is_on_record_has_no_parts() -> None:
    for query in (Query(until=BEGIN), Query(since=BEGIN + 9 * DAY)):
        assert lengths(9, query, newest_first=True) == []
