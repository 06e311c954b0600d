"""Who sent what may have brought our address onto a list. Pure.

No receiver says whose mail it was that they did not like. What tells is whose mail was refused as
spam, and who wrote to addresses that do not exist: lists of people who never asked for it are full
of those.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tracker.explain import Category
from tracker.insight import SLOT, Figure, slot_start
from tracker.search import Field, Query, Term, format_query
from web.times import Times
from web.track.filters import Asked, link
from web.track.form_text import Form, Period, write_text

BEARS_ON: Final = frozenset({Category.IP_BLOCKLISTED, Category.REPUTATION_LOW})
"""Failures on our side that somebody's mail has brought about."""
SHOWN: Final = 10
_BEFORE: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=3)
_SPAM: Final = frozenset({Category.CONTENT_SPAM, Category.CONTENT_VIRUS})
_UNKNOWN: Final = frozenset({Category.ADDRESS_UNKNOWN, Category.MAILBOX_DISABLED})


class Sender(NamedTuple):
    """One account, and what became of its mail."""

    name: str
    """Empty for those who did not log in."""
    sent: int
    spam: int
    unknown: int


class Span(NamedTuple):
    """The time in which it was sent, in whole slots of statistics."""

    since: datetime
    until: datetime


def span_of(first_at: datetime, last_at: datetime) -> Span:
    """Return the time that matters: from a day before the first failure to the last one."""
    since = max(first_at - _BEFORE, last_at - _LONGEST)
    epoch = slot_start(0)
    begun, ended = (since - epoch) // SLOT, (last_at - epoch) // SLOT
    return Span(slot_start(begun), slot_start(ended + 1))


def senders_of(figures: Iterable[Figure]) -> list[Sender]:
    """Return who sent, from figures by account and category: the most doubtful mail first."""
    sent: Counter[str] = Counter()
    spam: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for (account, category), number in figures:
        name = str(account)
        sent[name] += number
        spam[name] += number if category in _SPAM else 0
        unknown[name] += number if category in _UNKNOWN else 0
    found = [Sender(name, sent[name], spam[name], unknown[name]) for name in sent]
    return sorted(found, key=lambda one: (-one.spam - one.unknown, -one.sent, one.name))


def mail_of(span: Span, times: Times, name: str) -> str:
    """Return the list of what an account sent in that time."""
    since, until = times.local(span.since), times.local(span.until)
    form = Form(
        period=Period.OWN,
        first=since.date().isoformat(),
        first_time=f"{since:%H:%M}",
        last=until.date().isoformat(),
        last_time=f"{until:%H:%M}",
        words=format_query(Query(terms=(Term(field=Field.ACCOUNT, value=name, exact=True),))),
    )
    return link(Asked(text=write_text(form), zone=times.zone.key))
