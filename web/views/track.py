"""*Track deliveries*: the list, its filters, and how many the filters hide."""

import asyncio
from datetime import timedelta
from typing import Final, NamedTuple

from aiohttp import web

from tracker.model import MessageId, RecipientId, Scope
from tracker.search import Query, QueryError
from tracker.states import FINAL
from tracker.views import Counts, Row, Timeline
from web.filters import (
    STATUSES,
    Choice,
    Filter,
    Period,
    base_query,
    range_of,
    read_filter,
    with_choice,
    write_filter,
    zones,
)
from web.panel import ZONE_COOKIE, Viewer, Visit
from web.rows import attempts_of, tracked_row
from web.sessions import set_cookie
from web.standing import ACCEPTED, CANCELLED, PERMANENT, TEMPORARY, WAITING, Standing

PAGE: Final = 25
_ZONE_KEPT: Final = timedelta(days=365)
COUNTED: Final = 1000
"""Counts above it are shown as "1,000+"."""
_FEW: Final = 50
"""Timelines of messages with more recipients are read on their own page only."""

_LOOKS: Final[dict[Choice, Standing | None]] = {
    Choice.ALL: None,
    Choice.ACCEPTED: ACCEPTED,
    Choice.TEMPORARY: TEMPORARY,
    Choice.PERMANENT: PERMANENT,
    Choice.WAITING: WAITING,
    Choice.CANCELLED: CANCELLED,
}
_PERIODS: Final = {
    Period.TODAY: "Today",
    Period.YESTERDAY: "Yesterday",
    Period.WEEK: "Last 7 days",
    Period.MONTH: "Last 30 days",
    Period.KEPT: "All that is kept",
    Period.OWN: "Own range",
}
_WIDER: Final = (Period.WEEK, Period.MONTH, Period.KEPT)


class Number(NamedTuple):
    """A count that may have been cut off."""

    value: int
    cut: bool

    def __str__(self) -> str:
        return f"{COUNTED:,}+" if self.cut else f"{self.value:,}"


class Chip(NamedTuple):
    """One outcome with its count, as a link to it."""

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


def number_of(counts: Counts, choice: Choice) -> Number:
    """Return how many recipients of a choice were counted."""
    found = [counts.get(status, 0) for status in STATUSES[choice]]
    return Number(sum(found), cut=any(one > COUNTED for one in found) or sum(found) > COUNTED)


def link(asked: Filter) -> str:
    """Return the URL of a list."""
    return f"/?{write_filter(asked)}"


def chips_of(asked: Filter, counts: Counts) -> list[Chip]:
    """Return every outcome with its count; *Cancelled* only where there is some."""
    chips = []
    for choice, standing in _LOOKS.items():
        number = number_of(counts, choice)
        if choice is Choice.CANCELLED and not number.value and asked.choice is not choice:
            continue
        chips.append(
            Chip(
                word="All" if standing is None else standing.word,
                standing=standing,
                number=number,
                url=link(asked.but(choice=choice)),
                current=asked.choice is choice,
            )
        )
    return chips


async def show_list(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the list that the URL asks for; without a word in it, today's accepted mail."""
    asked = read_filter(visit.request.query, visit.times.zone.key)
    days = range_of(asked, visit.times, visit.panel.settings.tracking.retention)
    form: dict[str, object] = {
        "asked": asked,
        "days": days,
        "periods": _PERIODS,
        "choices": [(choice, look.word if look else "All") for choice, look in _LOOKS.items()],
        "zones": zones(),
        "retention": visit.panel.settings.tracking.retention,
        "oldest": visit.times.local(visit.now - visit.panel.settings.tracking.retention).date(),
    }
    try:
        query = base_query(asked, days, visit.times)
    except QueryError as problem:
        return visit.page("track.html", 400, problem=str(problem), **form)
    ranged = (query.since, query.until) != (days.since, days.until)
    found = await _look(visit, viewer.scope, asked, query, ranged=ranged)
    response = visit.page("track.html", problem="", ranged=ranged, **form, **found)
    if "zone" in visit.request.query:
        set_cookie(response, ZONE_COOKIE, asked.zone, secure=visit.secure, lifetime=_ZONE_KEPT)
    return response


async def _look(
    visit: Visit, scope: Scope, asked: Filter, query: Query, *, ranged: bool
) -> dict[str, object]:
    """Return what the list shows."""
    ledger = visit.panel.ledger
    page, counts = await asyncio.gather(
        ledger.search(
            with_choice(query, asked.choice),
            scope,
            limit=PAGE,
            before=asked.before,
            after=asked.after,
        ),
        ledger.summarize(query, scope, cap=COUNTED),
    )
    timelines = await _timelines(visit, scope, page.rows, asked.opened)
    chips = chips_of(asked, counts)
    widening = None
    if not page.rows and not ranged:
        widening = await _widen(visit, scope, asked)
    return {
        "rows": [
            tracked_row(row, attempts_of(row, timelines), visit.times, asked.opened)
            for row in page.rows
        ],
        "chips": chips,
        "number": number_of(counts, asked.choice),
        "older": page.older and link(asked.but(before=page.older)),
        "newer": page.newer and link(asked.but(after=page.newer)),
        "widening": widening,
        "elsewhere": [chip for chip in chips if chip.standing and chip.number.value],
        "live": any(row.recipient.status not in FINAL for row in page.rows),
        "reset": link(Filter(zone=asked.zone)),
    }


async def _timelines(
    visit: Visit, scope: Scope, rows: tuple[Row, ...], opened: RecipientId | None
) -> dict[MessageId, Timeline | None]:
    """Fetch the timelines of rows that have more attempts than the one that came with them."""
    wanted = {
        row.message.id
        for row in rows
        if row.recipient.attempts > 1
        and (row.recipients_of_message <= _FEW or row.recipient.id == opened)
    }
    found = await asyncio.gather(*(visit.panel.ledger.timeline(one, scope) for one in wanted))
    return dict(zip(wanted, found, strict=True))


async def _widen(visit: Visit, scope: Scope, asked: Filter) -> Widening | None:
    """Return the next wider range in which the same search finds something."""
    retention = visit.panel.settings.tracking.retention
    now = range_of(asked, visit.times, retention)
    for period in _WIDER:
        wider = asked.but(period=period)
        days = range_of(wider, visit.times, retention)
        if days.since >= now.since:
            continue
        query = base_query(wider, days, visit.times)
        counts = await visit.panel.ledger.summarize(query, scope, cap=COUNTED)
        number = number_of(counts, asked.choice)
        if number.value:
            return Widening(_PERIODS[period].lower(), number, link(wider))
    return None
