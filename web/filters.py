"""The form of the tracking page: from the URL to a query of the ledger, and back. Pure.

Everything a person chose is in the URL, so that a link shows somebody else the same list. What
the URL does not say is the classic opening: today, accepted.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from tracker.model import RecipientId, Status, is_id
from tracker.search import Field, Query, Term, parse
from web.times import Times, in_days

_Member = TypeVar("_Member", bound=StrEnum)

LONGEST_TEXT: Final = 500
"""Characters of a search that are read."""


class Choice(StrEnum):
    """What the recipients in the list have in common."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    WAITING = "waiting"
    CANCELLED = "cancelled"
    ALL = "all"


STATUSES: Final[Mapping[Choice, frozenset[Status]]] = {
    Choice.ACCEPTED: frozenset({Status.DELIVERED}),
    Choice.TEMPORARY: frozenset({Status.DEFERRED}),
    Choice.PERMANENT: frozenset({Status.BOUNCED, Status.EXPIRED}),
    Choice.WAITING: frozenset({Status.QUEUED, Status.HELD}),
    Choice.CANCELLED: frozenset({Status.CANCELLED}),
    Choice.ALL: frozenset(Status),
}


_TERMS: Final[Mapping[Choice, tuple[tuple[str, bool], ...]]] = {
    Choice.ACCEPTED: (("delivered", False),),
    Choice.TEMPORARY: (("deferred", False),),
    Choice.PERMANENT: (("permanent", False),),
    Choice.WAITING: (("waiting", False), ("deferred", True)),
    Choice.CANCELLED: (("cancelled", False),),
    Choice.ALL: (),
}
"""Words of the search grammar that select these statuses, and whether they are negated."""

_NAMES_STATUS: Final = re.compile(r"(?:^|\s)-?status:", re.IGNORECASE)

OPEN_QUERY: Final = Query(terms=(Term(field=Field.STATUS, value="waiting", exact=True),))
"""Everything that is still ours to deliver."""


class Period(StrEnum):
    """Which days, as the viewer counts them."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "7d"
    MONTH = "30d"
    KEPT = "kept"
    """Everything that is still on record."""
    OWN = "own"


_DAYS: Final = {Period.TODAY: (0, 0), Period.YESTERDAY: (1, 1), Period.WEEK: (6, 0)}


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked for."""

    choice: Choice = Choice.ACCEPTED
    period: Period = Period.TODAY
    since: date | None = None
    """First day of an own range."""
    until: date | None = None
    """Last day of an own range."""
    to: str = ""
    text: str = ""
    zone: str = "UTC"
    before: RecipientId | None = None
    after: RecipientId | None = None
    opened: RecipientId | None = None

    def but(self, **changes: object) -> "Filter":
        """Return this with `changes`, on the first page and with no row open."""
        fresh = {"before": None, "after": None, "opened": None}
        return msgspec.structs.replace(self, **(fresh | changes))


class Range(NamedTuple):
    """The days of a list: `since` <= accepted < `until`, UTC."""

    since: datetime
    until: datetime
    words: str
    cut: bool
    """True when more was asked for than is kept."""


_AREAS: Final = frozenset(
    {
        "Africa",
        "America",
        "Antarctica",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    }
)


@cache
def zones() -> tuple[str, ...]:
    """Return the time zones people may choose: UTC, and those named after a place."""
    places = (name for name in available_timezones() if name.partition("/")[0] in _AREAS)
    return ("UTC", *sorted(places))


def is_zone(name: str) -> bool:
    """Say whether `name` is a time zone people may choose."""
    return name in zones()


def read_filter(params: Mapping[str, str], zone: str) -> Filter:
    """Return what a URL asks for; what it says wrongly counts as not said.

    A status in the search box goes before the outcome of the form, or it would find nothing.
    """
    chosen = params.get("zone", "")
    text = params.get("q", "").strip()[:LONGEST_TEXT]
    asked = _one_of(Choice, params.get("outcome"), Choice.ACCEPTED)
    return Filter(
        choice=Choice.ALL if _NAMES_STATUS.search(text) else asked,
        period=_one_of(Period, params.get("range"), Period.TODAY),
        since=_day(params.get("from")),
        until=_day(params.get("until")),
        to=params.get("to", "").strip()[:LONGEST_TEXT],
        text=text,
        zone=chosen if is_zone(chosen) else zone,
        before=_id(params.get("before")),
        after=_id(params.get("after")),
        opened=_id(params.get("open")),
    )


def write_filter(asked: Filter) -> str:
    """Return the query string that `read_filter` reads; outcome, range and zone are always said."""
    own = asked.period is Period.OWN
    params = {
        "outcome": asked.choice.value,
        "range": asked.period.value,
        "from": asked.since.isoformat() if own and asked.since else "",
        "until": asked.until.isoformat() if own and asked.until else "",
        "to": asked.to,
        "q": asked.text,
        "zone": asked.zone,
        "before": asked.before or "",
        "after": asked.after or "",
        "open": asked.opened or "",
    }
    return urlencode({name: value for name, value in params.items() if value})


def range_of(asked: Filter, times: Times, retention: timedelta) -> Range:
    """Return the days that `asked` means on the viewer's calendar."""
    today = times.today()
    oldest = times.local(times.now - retention).date()
    first, last = _days_of(asked, today, oldest)
    first, last = min(first, last), max(first, last)
    cut = first < oldest
    first, last = (min(max(day, oldest), today) for day in (first, last))
    words = in_days(first) if first == last else f"{in_days(first)} to {in_days(last)}"
    return Range(_midnight(first, times.zone), _midnight(_after(last), times.zone), words, cut)


def base_query(asked: Filter, days: Range, times: Times) -> Query:
    """Return everything but the outcome. Raises QueryError for what the search box says wrongly.

    A range in the search box goes before that of the form.
    """
    query = parse(asked.text, now=times.now, zone=times.zone)
    terms = query.terms
    if asked.to:
        terms += (Term(field=Field.TO, value=asked.to),)
    ranged = query.since is not None or query.until is not None
    return Query(
        terms=terms,
        since=query.since if ranged else days.since,
        until=query.until if ranged else days.until,
    )


def with_choice(query: Query, choice: Choice) -> Query:
    """Return `query` for the recipients of a choice only."""
    terms = tuple(
        Term(field=Field.STATUS, value=word, exact=True, negated=negated)
        for word, negated in _TERMS[choice]
    )
    return msgspec.structs.replace(query, terms=(*query.terms, *terms))


def _days_of(asked: Filter, today: date, oldest: date) -> tuple[date, date]:
    match asked.period:
        case Period.KEPT:
            return oldest, today
        case Period.OWN:
            return asked.since or asked.until or today, asked.until or today
        case Period.MONTH:
            return today - timedelta(days=29), today
        case _:
            first, last = _DAYS[asked.period]
            return today - timedelta(days=first), today - timedelta(days=last)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when `day` begins; a day whose midnight the clocks skip begins with the change."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _after(day: date) -> date:
    return day + timedelta(days=1) if day < date.max else day


def _one_of(kind: type[_Member], text: str | None, default: _Member) -> _Member:
    return next((member for member in kind if member.value == text), default)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _id(text: str | None) -> RecipientId | None:
    return RecipientId(text) if text and is_id(text) else None
