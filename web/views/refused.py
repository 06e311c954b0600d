"""*Not taken*: what this relay refused to those who may send through it."""

import asyncio
from typing import Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web
from msgspec.structs import replace

from tracker.mailbox import comparable
from tracker.model import Refusal, RefusalId
from tracker.permissions import Permission
from tracker.search import NOT_TAKEN, QueryError
from web.panel import ZONE_COOKIE, ZONE_KEPT, Viewer, Visit, see_other
from web.sessions import set_cookie
from web.times import Times
from web.track.counts import COUNTED, Number, refused_number
from web.track.fields import fields
from web.track.filters import (
    Asked,
    Range,
    as_words,
    link,
    query_of,
    range_in_words,
    read_asked,
    understood,
)
from web.track.form_text import Form, Period, read_text, write_text
from web.track.perhaps import offer
from web.track.refused import WHEN, helps_to_try_again, is_suppressed, why_refused
from web.track.said import conditions, in_replies, problem_in_words, when
from web.track.submitted import WAS, read_submitted

PAGE: Final = 50
PATH: Final = "/refused"


class Way(NamedTuple):
    """A search that may find what this one did not."""

    url: str
    words: str


class RefusedRow(NamedTuple):
    """One refusal in words."""

    refusal: Refusal
    why: str
    when: str
    passes: bool
    """True when it may be taken at another time."""
    listed: str
    """Where its address can be taken off the list of suppressions; empty where it is not on it."""


def refused_row(refusal: Refusal) -> RefusedRow:
    """Return one row of the page."""
    listed = ""
    if is_suppressed(refusal) and refusal.forward_path:
        listed = f"/suppressions?{urlencode({'q': comparable(refusal.forward_path)})}"
    return RefusedRow(
        refusal, why_refused(refusal), WHEN[refusal.command], helps_to_try_again(refusal), listed
    )


async def show_refused(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with what was refused in the viewer's scope and matches the search, newest first.

    What comes from the form leads to the one URL that says the same.
    """
    params = visit.request.query
    asked = read_asked(params, visit.times.zone.key, "")
    if WAS in params:
        is_literal = asked.is_literal and asked.text == params[WAS]
        asked = replace(asked, text=read_submitted(params), is_literal=is_literal)
        return see_other(link(asked, PATH))
    if "q" in params and (meant := understood(asked)):
        return see_other(link(meant, PATH))
    response = await _answer(visit, viewer, asked)
    if "zone" in params:
        set_cookie(response, ZONE_COOKIE, asked.zone, secure=visit.secure, lifetime=ZONE_KEPT)
    return response


async def _answer(visit: Visit, viewer: Viewer, asked: Asked) -> web.Response:
    form, retention = read_text(asked.text), visit.panel.settings.tracking.retention
    context = fields(visit, asked, form)
    context["taken"] = link(asked.but())
    context["instead"] = link(as_words(asked), PATH) if asked.pasted else None
    try:
        query, days = query_of(asked.text, visit.times, retention, NOT_TAKEN)
    except QueryError as problem:
        return visit.page("refused.html", 400, problem=problem_in_words(problem, form), **context)
    before = RefusalId(asked.before) if asked.before else None
    ledger, scope = visit.panel.ledger, viewer.scope
    page, counted = await asyncio.gather(
        ledger.refusals(query, scope, limit=PAGE, before=before),
        ledger.count_refusals(query, scope, cap=COUNTED),
    )
    return visit.page(
        "refused.html",
        problem="",
        rows=[refused_row(refusal) for refusal in page.rows],
        cut=page.cut,
        older=page.older and link(asked.but(before=page.older), PATH),
        newest=before and (link(asked.but(), PATH) if asked.text else PATH),
        may_act=viewer.may(Permission.ACT),
        summary=summary(form, days, visit.times, refused_number(counted)),
        in_range=when(form, days, visit.times, retention),
        days=days,
        conditions=list(conditions(form)),
        ways=_ways(asked, form),
        perhaps=None if page.rows else offer(asked, visit.times, retention, NOT_TAKEN, PATH),
        **context,
    )


def _ways(asked: Asked, form: Form) -> list[Way]:
    """Return where else to look for what was not found."""
    ways = []
    if form.period is not Period.KEPT:
        wider = write_text(form.but(period=Period.KEPT))
        ways.append(Way(link(asked.but(text=wider), PATH), "Search all that is kept"))
    if text := in_replies(form):
        ways.append(Way(link(asked.but(text=text), PATH), "Search what we answered"))
    if asked.text:
        ways.append(Way(link(asked.but()), "Search mail that was taken"))
    return ways


def summary(form: Form, days: Range, times: Times, number: Number) -> str:
    """Return what a page is of: "3 refused submissions, 2 Mar 2026, to an address with bob"."""
    parts = [f"{number} refused submission{'' if str(number) == '1' else 's'}"]
    if form.period is not Period.KEPT:
        parts.append(range_in_words(days, times))
    return ", ".join((*parts, *(f"{words} {value}" for words, value in conditions(form))))
