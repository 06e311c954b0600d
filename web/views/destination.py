"""The page of one destination, for everybody who has mail for it."""

import asyncio
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from tracker.explain import explain, headline
from tracker.insight import Dimension, Figure, Measure, Saying, Waiting
from tracker.model import Attempt
from tracker.permissions import Permission
from tracker.search import Field, Query, Term
from tracker.views import DestinationState
from web.insight.chart import draw, steps_of
from web.insight.destination import (
    SERIES,
    answer,
    attempts_by_slot,
    hosts_of,
    is_known,
    name_on_record,
    pace,
    refusals_of,
)
from web.panel import Viewer, Visit

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_KNOWN_FOR: Final = timedelta(days=30)
_ANSWERS: Final = 6
_LOOKED_AT: Final = 40
"""Recent recipients whose last attempts tell which servers there are."""


class _Found(NamedTuple):
    """What the ledger says of a destination."""

    state: DestinationState | None
    waiting: Waiting
    sayings: tuple[Saying, ...]
    attempts: tuple[Figure, ...]
    speeds: tuple[Figure, ...]
    ever: tuple[Figure, ...]
    last: tuple[Attempt, ...]


class AnswerRow(NamedTuple):
    """One answer of the destination."""

    saying: Saying
    why: str
    words: str
    """The server's own, or those of our record where no server said anything."""
    is_ours: bool
    url: str
    """A message that got it; empty when none is on record."""


async def show_destination(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer whether a destination takes mail right now, as far as the viewer may know."""
    name = name_on_record(visit.request.match_info["name"])
    hour = visit.now.replace(minute=0, second=0, microsecond=0)
    since, until = hour - _DAY + _HOUR, hour + _HOUR
    found = await _look(visit, viewer, name, since, until)
    sees_all = viewer.may(Permission.SEE_RELAY)
    if not is_known(found.state, found.waiting, found.ever, sees_all=sees_all):
        raise web.HTTPNotFound
    chart = draw(
        "attempts",
        "Attempts per hour, the last 24 hours",
        steps_of(since, until, visit.times),
        SERIES,
        attempts_by_slot(found.attempts),
    )
    return visit.page(
        "destination.html",
        name=name,
        state=found.state,
        answer=answer(found.state, name, refusals_of(found.sayings), visit.times),
        waiting=found.waiting,
        answers=[_answer_row(one) for one in found.sayings[:_ANSWERS]],
        has_more=len(found.sayings) > _ANSWERS,
        chart=chart,
        pace=pace(found.speeds),
        hosts=hosts_of(found.last),
        searches=_searches(name),
        sees_all=sees_all,
    )


async def is_known_to(visit: Visit, viewer: Viewer, name: str) -> bool:
    """Say whether there is a page of this destination for the viewer."""
    ledger, sees_all = visit.panel.ledger, viewer.may(Permission.SEE_RELAY)
    results = (Dimension.RESULT,)
    since, until = visit.now - _KNOWN_FOR, visit.now + _HOUR
    state, waiting, ever = await asyncio.gather(
        ledger.destination(name),
        ledger.waiting_at(name, viewer.scope),
        ledger.figures(Measure.RECIPIENT, results, viewer.scope, since, until, name),
    )
    return is_known(state, waiting, ever, sees_all=sees_all)


async def _look(
    visit: Visit, viewer: Viewer, name: str, since: datetime, until: datetime
) -> _Found:
    ledger, scope = visit.panel.ledger, viewer.scope
    midnight = visit.times.local(visit.now).replace(hour=0, minute=0, second=0, microsecond=0)
    ways = (Dimension.SLOT, Dimension.RESULT, Dimension.ORIGIN)
    recent = Query(terms=(Term(field=Field.TO, value=f"@{name}"),), since=visit.now - _DAY)
    state, waiting, sayings, page = await asyncio.gather(
        ledger.destination(name),
        ledger.waiting_at(name, scope),
        ledger.sayings(name, scope, visit.now - _DAY, _ANSWERS + 1),
        # Hosts and their TLS come out of it, and nobody's mail: that is no look at it.
        visit.panel.unwatched.search(recent, scope, limit=_LOOKED_AT),
    )
    attempts, speeds, ever = await asyncio.gather(
        ledger.figures(Measure.ATTEMPT, ways, scope, since, until, name),
        ledger.figures(Measure.RECIPIENT, (Dimension.SPEED,), scope, midnight, until, name),
        ledger.figures(
            Measure.RECIPIENT, (Dimension.RESULT,), scope, visit.now - _KNOWN_FOR, until, name
        ),
    )
    last = [row.last_attempt for row in page.rows if row.last_attempt is not None]
    here = [one for one in last if one.destination == name]
    here += [one.example for one in sayings if one.example is not None]
    return _Found(state, waiting, (*sayings,), (*attempts,), (*speeds,), (*ever,), (*here,))


def _answer_row(saying: Saying) -> AnswerRow:
    attempt = saying.example
    if attempt is None:
        return AnswerRow(saying, "", "", False, "")
    is_ours = attempt.reply is None
    words = headline(attempt) if attempt.reply is None else attempt.reply.text
    query = urlencode({"recipient": attempt.recipient_id})
    url = f"/messages/{attempt.message_id}?{query}"
    return AnswerRow(saying, explain(attempt).what_happened, words, is_ours, url)


def _searches(name: str) -> list[tuple[str, str]]:
    """Return the lists of mail for this destination, by what became of it."""
    outcomes = (
        ("accepted", "Accepted today"),
        ("temporary", "Temporarily rejected"),
        ("permanent", "Permanently rejected"),
        ("waiting", "Waiting"),
    )
    return [
        (
            words,
            "/?"
            + urlencode(
                {
                    "outcome": outcome,
                    "range": "today" if outcome == "accepted" else "kept",
                    "to": f"@{name}",
                }
            ),
        )
        for outcome, words in outcomes
    ]
