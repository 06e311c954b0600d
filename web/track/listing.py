"""A list as the ledger has it: its page, how many each outcome has, and where there is more."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import msgspec

from tracker.model import Attempt, MessageId, RecipientId, Scope, Status
from tracker.search import Query, parse
from tracker.store import Store
from tracker.views import Counts, Page, Row, Timeline
from web.standing import Standing
from web.times import Times
from web.track.counts import COUNTED, Number, number_of
from web.track.filters import STATUSES, Asked, Range, link, query_of
from web.track.form_text import CHOICE_WORDS, Choice, Form, Period, read_text, write_text
from web.track.rows import untold
from web.track.said import CHOICES, LOOKS, PERIODS, word_of

PAGE: Final = 25
_FEW: Final = 50
"""Timelines of messages with more recipients are read on their own page only."""
_RARE: Final = (Choice.CANCELLED, Choice.RETURNED)
_WIDER: Final = (Period.WEEK, Period.MONTH, Period.KEPT)


class Chip(NamedTuple):
    """One outcome with its count, as a link to it."""

    choice: Choice
    word: str
    standing: Standing | None
    number: Number
    url: str
    current: bool


class Widening(NamedTuple):
    """Where there is something to see when the list is empty."""

    words: str
    number: Number
    url: str


class Wanted(NamedTuple):
    """A list that somebody asked for, and what it means to them now."""

    asked: Asked
    form: Form
    query: Query
    days: Range
    times: Times
    retention: timedelta

    def url(self, **changes: object) -> str:
        """Return the URL of this list with other fields in its form."""
        return link(self.asked.but(text=write_text(self.form.but(**changes))))


class Found(NamedTuple):
    """What the ledger has of a list."""

    page: Page
    timelines: dict[MessageId, Timeline | None]
    chips: Sequence[Chip]
    number: Number
    opened: RecipientId | None
    """The row that is open: the one that the URL names, or the only one that was looked for."""


def want(asked: Asked, times: Times, retention: timedelta) -> Wanted:
    """Return what `asked` means now. Raises QueryError."""
    query, days = query_of(asked.text, times, retention)
    return Wanted(asked, read_text(asked.text), query, days, times, retention)


async def look(ledger: Store, scope: Scope, wanted: Wanted) -> Found:
    """Return the page, and the counts of all outcomes beside it."""
    asked = wanted.asked
    page, counts, uncertain, returned, number = await asyncio.gather(
        ledger.search(wanted.query, scope, limit=PAGE, before=asked.before, after=asked.after),
        _count(ledger, scope, wanted, Choice.ALL),
        _count(ledger, scope, wanted, Choice.UNCERTAIN),
        _count(ledger, scope, wanted, Choice.RETURNED),
        _count(ledger, scope, wanted, Choice.WRITTEN),
    )
    timelines = await _timelines(ledger, scope, page.rows, asked.opened)
    others = {
        Choice.UNCERTAIN: number_of(uncertain, frozenset(Status)),
        Choice.RETURNED: number_of(returned, frozenset(Status)),
    }
    chips = list(_chips(wanted, counts, others))
    current = next(
        (chip.number for chip in chips if chip.current), number_of(number, frozenset(Status))
    )
    if current.cut:  # of what is not counted to the end, there is at least what is shown
        current = current._replace(value=max(current.value, len(page.rows)))
    return Found(page, timelines, chips, current, asked.opened or _only(page, wanted.form))


def _only(page: Page, form: Form) -> RecipientId | None:
    """Return the only row of a search for something: whoever finds it wants to read it."""
    is_search = bool(form.to or form.sender or form.subject or form.words)
    is_only = len(page.rows) == 1 and not (page.older or page.newer or page.cut)
    return page.rows[0].recipient.id if is_search and is_only else None


def way_on(page: Page, before: RecipientId | None, after: RecipientId | None) -> str:
    """Return with which link a search goes on that was cut; empty when it came to its end."""
    if not page.cut:
        return ""
    return "Newer" if after is not None and before is None else "Older"


async def count_newer(ledger: Store, scope: Scope, wanted: Wanted, limit: int) -> Number:
    """Return how many rows have come after the one that the URL names, at most `limit`."""
    page = await ledger.search(wanted.query, scope, limit=limit + 1, after=wanted.asked.after)
    found = len(page.rows)
    return Number(min(found, limit), cut=found > limit or page.cut)


async def widen(ledger: Store, scope: Scope, wanted: Wanted) -> Widening | None:
    """Return the next wider range in which the same search finds something."""
    for period in _WIDER:
        text = write_text(Form(period=period))
        _, days = query_of(text, wanted.times, wanted.retention)
        if days.since >= wanted.days.since and wanted.days.until is None:
            continue
        query = msgspec.structs.replace(wanted.query, since=days.since, until=None)
        number = number_of(await ledger.summarize(query, scope, cap=COUNTED), frozenset(Status))
        if number.value:
            return Widening(PERIODS[period].lower(), number, wanted.url(period=period))
    return None


async def _count(ledger: Store, scope: Scope, wanted: Wanted, choice: Choice) -> Counts:
    """Count for each status what the list has with another outcome in the place of its own.

    With `WRITTEN` it is the outcome that is written there; where the form has it, that is
    among the others already.
    """
    if choice is Choice.WRITTEN:
        if wanted.form.choice is not Choice.WRITTEN:
            return Counts()
        return await ledger.summarize(wanted.query, scope, cap=COUNTED)
    text = write_text(wanted.form.but(choice=Choice.ALL))
    query, _ = query_of(text, wanted.times, wanted.retention)
    words = " ".join(CHOICE_WORDS.get(choice, ()))
    more = parse(words, now=wanted.times.now, zone=wanted.times.zone).terms
    query = msgspec.structs.replace(query, terms=(*query.terms, *more))
    return await ledger.summarize(query, scope, cap=COUNTED)


def _chips(wanted: Wanted, counts: Counts, others: Mapping[Choice, Number]) -> Sequence[Chip]:
    """Return every outcome with its count; what is rare only where there is some."""
    chips = []
    for choice in CHOICES:
        number = number_of(counts, STATUSES[choice]) if choice in STATUSES else others[choice]
        is_current = wanted.form.choice is choice
        if choice in _RARE and not number.value and not is_current:
            continue
        url = wanted.url(choice=choice)
        chips.append(Chip(choice, word_of(choice), LOOKS.get(choice), number, url, is_current))
    return chips


async def _timelines(
    ledger: Store, scope: Scope, rows: tuple[Row, ...], opened: RecipientId | None
) -> dict[MessageId, Timeline | None]:
    """Fetch the timelines of rows of which more is shown than came with them.

    They have had further attempts, or their message has further recipients.
    """
    wanted = {
        row.message.id
        for row in rows
        if (row.recipients_of_message > 1 or untold(row.recipient, _last(row)))
        and (row.recipients_of_message <= _FEW or row.recipient.id == opened)
    }
    found = await asyncio.gather(*(ledger.timeline(one, scope) for one in wanted))
    return dict(zip(wanted, found, strict=True))


def _last(row: Row) -> Sequence[Attempt]:
    return () if row.last_attempt is None else (row.last_attempt,)
