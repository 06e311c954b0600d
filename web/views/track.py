"""*Track deliveries*: the page of the list."""

import asyncio
from typing import Final

from aiohttp import web
from msgspec.structs import replace

from tracker.model import Habits
from tracker.permissions import Permission
from tracker.search import QueryError
from tracker.states import FINAL
from tracker.views import Page
from web.panel import LIST_COOKIE, ZONE_COOKIE, ZONE_KEPT, Viewer, Visit, see_other
from web.security import local_path
from web.sessions import set_cookie
from web.track.counts import Number
from web.track.fields import fields
from web.track.filters import (
    Asked,
    as_words,
    link,
    range_in_words,
    read_asked,
    understood,
    write_asked,
)
from web.track.form_text import Choice, Form, read_text, write_text
from web.track.habits import opening_of, remember
from web.track.listing import Found, Wanted, look, want, way_on, widen
from web.track.perhaps import offer
from web.track.rows import tracked_row
from web.track.said import (
    CHOICES,
    conditions,
    in_replies,
    outcome_in_words,
    problem_in_words,
    when,
    word_of,
)
from web.track.sent import not_taken_today, sent_lately
from web.track.submitted import WAS, is_submitted, read_submitted
from web.views.searches import read_searches, saving

ACTS: Final = (
    ("retry", "Retry now"),
    ("hold", "Hold"),
    ("release", "Release"),
    ("cancel", "Cancel"),
    ("suppress", "Suppress the addresses"),
)
"""What can be asked for, for a selection or for everything that matches."""
_REROUTE: Final = ("reroute", "Reroute")
"""The same, for those who decide which way mail goes."""


async def show_list(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the list that the URL asks for; without a search in it, the opening.

    What comes from the form, or from an older link, leads to the one URL that says the same.
    """
    params = visit.request.query
    habits = await visit.panel.ledger.habits(viewer.account.address)
    asked = read_asked(params, visit.times.zone.key, write_text(opening_of(habits)))
    if is_submitted(params):
        is_literal = asked.is_literal and asked.text == params.get(WAS)
        text = read_submitted(params)
        return see_other(link(replace(asked, text=text, is_literal=is_literal)))
    if "q" in params and (meant := understood(asked)):
        return see_other(link(meant))
    response = await _answer(visit, viewer, asked, habits)
    if "zone" in params:
        set_cookie(response, ZONE_COOKIE, asked.zone, secure=visit.secure, lifetime=ZONE_KEPT)
    return response


async def _answer(visit: Visit, viewer: Viewer, asked: Asked, habits: Habits) -> web.Response:
    ledger, retention = visit.panel.ledger, visit.panel.settings.tracking.retention
    form = read_text(asked.text)
    searches, sent, not_taken = await asyncio.gather(
        read_searches(visit, viewer),
        sent_lately(visit, viewer, form),
        not_taken_today(visit, viewer),
    )
    context = _form(visit, asked, form) | saving(viewer)
    context |= {"searches": searches, "sent": sent, "not_taken": not_taken}
    context["has_keys"] = habits.has_keys
    try:
        wanted = want(asked, visit.times, retention)
    except QueryError as problem:
        return visit.page("track.html", 400, problem=problem_in_words(problem, form), **context)
    found = await look(ledger, viewer.scope, wanted)
    is_empty = not found.page.rows and not found.page.cut
    widening = await widen(ledger, viewer.scope, wanted) if is_empty else None
    listed = _list(wanted, found, may_act=viewer.may(Permission.ACT))
    listed["acts"] = (*ACTS, _REROUTE) if viewer.may(Permission.OPERATE) else ACTS
    if not asked.before and not asked.after:
        await remember(visit, viewer, wanted, habits, searches.recent)
    listed["perhaps"] = offer(asked, visit.times, retention) if is_empty else None
    response = visit.page("track.html", problem="", widening=widening, **context, **listed)
    path = local_path(visit.request.path_qs)
    set_cookie(response, LIST_COOKIE, path, secure=visit.secure)
    return response


def _form(visit: Visit, asked: Asked, form: Form) -> dict[str, object]:
    """Return what the box and the fields show."""
    choices = list(CHOICES)
    if form.choice is Choice.WRITTEN:
        choices.append(form.choice)
    return {
        **fields(visit, asked, form),
        "instead": link(as_words(asked)) if asked.pasted else None,
        "fresh": "q" not in visit.request.query,
        "choices": [(choice, word_of(choice)) for choice in choices],
    }


def ask_newer(asked: Asked, page: Page) -> str:
    """Return where the script asks how many rows are newer than those of the first page."""
    newest = page.rows[0].recipient.id if page.rows else None
    return f"/newer?{write_asked(asked.but(after=newest))}"


def summary(number: Number, wanted: Wanted) -> str:
    """Return what a list is of: "3 recipients, accepted, 2 Mar 2026, to an address with bob"."""
    parts = ["1 recipient" if str(number) == "1" else f"{number} recipients"]
    if wanted.form.choice not in (Choice.ALL, Choice.WRITTEN):
        parts.append(word_of(wanted.form.choice).lower())
    parts.append(range_in_words(wanted.days, wanted.times))
    parts += [f"{words} {value}" for words, value in conditions(wanted.form)]
    return ", ".join(parts)


def _list(wanted: Wanted, found: Found, *, may_act: bool) -> dict[str, object]:
    """Return what the list shows."""
    page, asked, form = found.page, wanted.asked, wanted.form
    shown = replace(asked, opened=found.opened)
    return {
        "rows": [tracked_row(row, found.timelines, wanted.times, shown) for row in page.rows],
        "chips": found.chips,
        "number": found.number,
        "days": wanted.days,
        "summary": summary(found.number, wanted),
        "in_range": when(form, wanted.days, wanted.times, wanted.retention),
        "outcome": outcome_in_words(form),
        "conditions": list(conditions(form)),
        "in_replies": (text := in_replies(form)) and link(replace(asked.but(), text=text)),
        "way_on": way_on(page, asked.before, asked.after),
        "older": page.older and link(asked.but(before=page.older)),
        "newer": page.newer and link(asked.but(after=page.newer)),
        "elsewhere": [chip for chip in found.chips if chip.standing and chip.number.value],
        "live": any(row.recipient.status not in FINAL for row in page.rows),
        "reset": "/",
        "may_act": may_act,
        "here": link(asked),
        "again": link(asked.but()),
        "ask_newer": None if asked.before or asked.after else ask_newer(asked, page),
    }
