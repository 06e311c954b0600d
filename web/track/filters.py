"""The list of the tracking page: from its URL to a query of the ledger, and back. Pure.

Everything a person chose is in the URL, so that a link shows somebody else the same list: the
text of the search in `q`, and the time zone by which its days are counted.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import urlencode
from zoneinfo import available_timezones

import msgspec

from tracker.model import RecipientId, Status, is_id
from tracker.search import MAIL, Field, Query, Sought, Term, parse, recognize
from web.times import Times, in_days
from web.track.form_text import Choice
from web.track.submitted import read_box
from web.visible import show_line

STATUSES: Final[Mapping[Choice, frozenset[Status]]] = {
    Choice.ACCEPTED: frozenset({Status.DELIVERED}),
    Choice.TEMPORARY: frozenset({Status.DEFERRED}),
    Choice.PERMANENT: frozenset({Status.BOUNCED, Status.EXPIRED}),
    Choice.WAITING: frozenset({Status.QUEUED, Status.HELD}),
    Choice.CANCELLED: frozenset({Status.CANCELLED}),
    Choice.ALL: frozenset(Status),
}
"""The choices that are statuses and nothing else."""

OPEN_QUERY: Final = Query(terms=(Term(field=Field.STATUS, value="waiting", exact=True),))
"""Everything that is still ours to deliver."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A list that somebody asked for."""

    text: str
    """The search, in the words of the grammar."""
    zone: str = "UTC"
    before: RecipientId | None = None
    after: RecipientId | None = None
    opened: RecipientId | None = None
    pasted: str = ""
    """What was in the box, where `text` is what it was understood as."""
    is_literal: bool = False
    """True when the text is to be searched for as it is, whatever else it may be."""

    def but(self, **changes: object) -> "Asked":
        """Return this with `changes`, on the first page and with no row open."""
        fresh = {"before": None, "after": None, "opened": None, "pasted": ""}
        return msgspec.structs.replace(self, **(fresh | changes))


class Range(NamedTuple):
    """When the messages of a list were accepted: on record there is nothing older than `since`."""

    since: datetime
    until: datetime | None
    cut: bool
    """True when more was asked for than is kept."""

    @property
    def is_gone(self) -> bool:
        """Say whether all of it is older than what is kept."""
        return self.until is not None and self.until <= self.since


_LONGEST_PASTED: Final = 500
"""Characters of a pasted text that a URL carries along."""
_MOST_WORDS: Final = 20


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


def read_asked(params: Mapping[str, str], zone: str, text: str) -> Asked:
    """Return what a URL asks for, `text` when it has no search in it.

    What it says wrongly counts as not said.
    """
    chosen = params.get("zone", "")
    return Asked(
        text=read_box(params) if "q" in params else text,
        zone=chosen if is_zone(chosen) else zone,
        before=_id(params.get("before")),
        after=_id(params.get("after")),
        opened=_id(params.get("open")),
        pasted=params.get("pasted", "")[:_LONGEST_PASTED],
        is_literal=params.get("literal") == "1",
    )


def write_asked(asked: Asked) -> str:
    """Return the query string that `read_asked` reads; text and zone are always said."""
    params = {"q": asked.text, "zone": asked.zone}
    where = {
        "before": asked.before,
        "after": asked.after,
        "open": asked.opened,
        "pasted": asked.pasted,
        "literal": "1" if asked.is_literal else "",
    }
    return urlencode(params | {name: value for name, value in where.items() if value})


def understood(asked: Asked) -> Asked | None:
    """Return the list that was meant when the box holds something pasted; None for a search.

    A Message-ID, an address in a header, a log line or a bounce become the search for it.
    """
    if asked.is_literal or asked.pasted:
        return None
    meant = recognize(asked.text)
    if meant is None or meant == asked.text:
        return None
    return asked.but(text=meant, pasted=asked.text[:_LONGEST_PASTED])


def as_words(asked: Asked) -> Asked:
    """Return the list for the words that were pasted, as they are."""
    return asked.but(text=_plain(asked.pasted), is_literal=True)


def _plain(pasted: str) -> str:
    """Return the words of a pasted text, so that none of them means anything to the grammar."""
    text = show_line(pasted).replace('"', " ").replace("\\", " ")
    words = [word.strip("<>:;,").lstrip("-") for word in text.split()]
    bare = (word for word in dict.fromkeys(words) if word)
    safe = [f'"{word}"' if ":" in word else word for word in bare]
    return " ".join(safe[:_MOST_WORDS])


def link(asked: Asked, path: str = "/") -> str:
    """Return the URL of a list, on the page at `path`."""
    return f"{path}?{write_asked(asked)}"


def oldest_kept(times: Times, retention: timedelta) -> datetime:
    """Return when the oldest day begins that is on record, by the viewer's calendar, UTC."""
    day = times.local(times.now - retention).date()
    return datetime.combine(day, time(), tzinfo=times.zone).astimezone(UTC)


def query_of(
    text: str, times: Times, retention: timedelta, sought: Sought = MAIL
) -> tuple[Query, Range]:
    """Return the query for `text`, within what is kept, and its range. Raises QueryError."""
    query = parse(text, now=times.now, zone=times.zone, sought=sought)
    oldest = oldest_kept(times, retention)
    cut = query.since is not None and query.since < oldest
    gone = query.until is not None and query.until <= oldest
    since = max(query.since or oldest, oldest)
    bounded = msgspec.structs.replace(query, since=since)
    return bounded, Range(since, query.until, cut or gone)


def range_in_words(days: Range, times: Times) -> str:
    """Return a range in words: days where it is whole days, else with the clock times."""
    tomorrow = times.today() + timedelta(days=1)
    first = times.local(days.since)
    end = times.local(days.until) if days.until else None
    if first.time() == time() and (end is None or end.time() == time()):
        last = min(end.date() if end else tomorrow, tomorrow) - timedelta(days=1)
        last = max(last, first.date())
        if last == first.date():
            return in_days(last)
        return f"{in_days(first.date())} to {in_days(last)}"
    begins = f"{in_days(first.date())}, {first:%H:%M}"
    return f"{begins} to {in_days(end.date())}, {end:%H:%M}" if end else f"since {begins}"


def _id(text: str | None) -> RecipientId | None:
    return RecipientId(text) if text and is_id(text) else None
