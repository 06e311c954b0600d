"""Attempts that were not delivered, as rows; and what is asked about many of them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from tracker.explain import Category, RuleBook
from tracker.insight import (
    CAP,
    Cohort,
    Count,
    Saying,
    Setback,
    Waiting,
    setback_of,
)
from tracker.model import Attempt, Scope, time_of
from tracker.sql.conditions import Statement, scope_condition
from tracker.sql.rows import ATTEMPT_COLUMNS, Columns, qualified, read_attempt
from tracker.sql.values import moment, stamp, well_formed

SETBACK_COLUMNS = (
    "attempt_id, recipient_id, message_id, at, destination, place, cohort, outcome, category,"
    " side, origin"
)

INSERT_SETBACK = (
    f"INSERT INTO setbacks ({SETBACK_COLUMNS}, account, account_domain)"
    " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, account, account_domain"
    " FROM recipients WHERE id = ?2"
)
"""Where a recipient's row has its account."""

LOOKED_AT: Final = 20_000
"""Setbacks that are counted, the newest ones: an answer may not take for ever."""

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


def setback_rows(attempts: Iterable[Attempt], book: RuleBook | None = None) -> list[Columns]:
    """Return SETBACK_COLUMNS of those attempts that were not delivered, explained by `book`."""
    found = (setback_of(attempt, book) for attempt in attempts)
    return [_columns(setback) for setback in found if setback is not None]


def _columns(setback: Setback) -> Columns:
    return (
        setback.attempt_id,
        setback.recipient_id,
        setback.message_id,
        stamp(setback.at),
        setback.destination,
        well_formed(setback.place),
        setback.cohort,
        setback.outcome.value,
        setback.category.value,
        setback.side.value,
        setback.origin.value,
    )


# --- is it only this message? ---------------------------------------------------------------------

LAST_ACCEPTED: Final = """
SELECT max(CASE WHEN d.destination = ? THEN d.last_accepted_at END), max(d.last_accepted_at) FROM (
    SELECT destination, last_accepted_at FROM destinations WHERE destination = ?
    UNION ALL
    SELECT destination, last_accepted_at FROM destinations WHERE place = ? AND place <> ''
) AS d
"""


def last_accepted(setback: Setback) -> Statement:
    """When the destination, and any with the same servers, last took a message."""
    return Statement(
        LAST_ACCEPTED, (setback.destination, setback.destination, well_formed(setback.place))
    )


def cohort_counts(setback: Setback, scope: Scope, now: datetime, success: int | None) -> Statement:
    """Messages of the cohort: of an hour, of a day, and of it at the destination; since when."""
    within, day = scope_condition(scope), stamp(now - DAY)
    counted, parameters = [], list[object]()
    for condition, values in (
        ("r.at >= ?", (stamp(now - HOUR),)),
        ("TRUE", ()),
        ("r.destination = ?", (setback.destination,)),
    ):
        for sql, its in ((condition, values), (f"{condition} AND {within.sql}", None)):
            counted.append(f"count(DISTINCT CASE WHEN {sql} THEN r.message_id END)")
            parameters += values if its is not None else (*values, *within.parameters)
    sql = (
        f"SELECT {', '.join(counted)}, min(CASE WHEN r.at > ? THEN r.at END), min(r.at) FROM ("
        "SELECT * FROM setbacks WHERE cohort = ? AND at >= ? ORDER BY at DESC LIMIT ?) AS r"
    )
    after = max(day, success or 0)
    return Statement(sql, (*parameters, after, setback.cohort, day, LOOKED_AT))


def waiting_counts(table: str, destination: str, scope: Scope) -> Statement:
    """Recipients that wait for a destination: of everybody, in scope, and the first of these."""
    within = scope_condition(scope)
    return Statement(
        f"SELECT count(*), count(CASE WHEN {within.sql} THEN 1 END),"
        f" min(CASE WHEN {within.sql} THEN r.id END) FROM ("
        f"SELECT id, account, account_domain FROM {table} WHERE destination = ?"
        " AND lease IS NULL AND next_attempt_at IS NOT NULL LIMIT ?) AS r",
        (*within.parameters, *within.parameters, well_formed(destination), LOOKED_AT),
    )


def read_waiting(row: Columns) -> Waiting:
    """Build it of what `waiting_counts` yields."""
    everybody, own, first = row
    return Waiting(
        count=_count(own, everybody), oldest_at=None if first is None else time_of(first)
    )


def read_cohort(setback: Setback, counts: Columns, accepted: Columns, waiting: Columns) -> Cohort:
    """Build it of what the three statements above yield."""
    hour, own_hour, day, own_day, there, own_there, since, first = counts
    return Cohort(
        destination=setback.destination,
        place=setback.place,
        hour=_count(own_hour, hour),
        day=_count(own_day, day),
        at_destination=_count(own_there, there),
        since=moment(first if since is None else since),
        accepted_at=moment(accepted[0]),
        place_accepted_at=moment(accepted[1]),
        waiting=read_waiting(waiting).count,
    )


def _count(own: int, everybody: int) -> Count:
    return Count(own=min(own, CAP + 1), everybody=min(everybody, CAP + 1))


# --- what a destination says ----------------------------------------------------------------------

_EXAMPLE = (
    "LEFT JOIN setbacks AS b ON b.attempt_id = g.example"
    " LEFT JOIN attempts AS a ON a.recipient_id = b.recipient_id AND a.id = b.attempt_id"
)


def sayings(destination: str, scope: Scope, since: datetime, limit: int) -> Statement:
    """The answers of a destination to mail in scope, the most frequent first."""
    within = scope_condition(scope)
    sql = (
        f"SELECT g.category, g.n, g.first_at, g.last_at, {qualified('a', ATTEMPT_COLUMNS)} FROM ("
        "SELECT cohort, category, count(*) AS n, min(at) AS first_at, max(at) AS last_at,"
        " max(attempt_id) AS example FROM ("
        "SELECT * FROM setbacks WHERE destination = ? AND at >= ? ORDER BY at DESC LIMIT ?"
        f") AS r WHERE {within.sql} GROUP BY cohort, category ORDER BY n DESC, cohort LIMIT ?"
        f") AS g {_EXAMPLE} ORDER BY g.n DESC, g.cohort"
    )
    return Statement(
        sql, (well_formed(destination), stamp(since), LOOKED_AT, *within.parameters, limit)
    )


def read_saying(row: Columns) -> Saying:
    """Build it of what `sayings` yields."""
    return Saying(
        category=Category(row[0]),
        count=row[1],
        first_at=moment(row[2]),
        last_at=moment(row[3]),
        example=None if row[4] is None else read_attempt(row[4:]),
    )
