"""The rules that explain replies: how they fare, and an operator's corrections of them."""

import asyncio
from datetime import timedelta
from typing import Final

from aiohttp import web

from tracker.explain import Category
from tracker.explain.correction import LONGEST, Correction, problem_of
from tracker.explain.effects import Effect, effects, words_of
from tracker.explain.likeness import group
from tracker.explain.meaning import meanings
from tracker.model import Phase, new_id, time_of
from tracker.views import Reclassifying
from web.forms import Form, read_form
from web.notices import Act, write_notice
from web.panel import NOTICE_COOKIE, Viewer, Visit, see_other
from web.sessions import set_cookie

WEEK: Final = timedelta(days=7)
LOOKED_AT: Final = 5000
"""Recipients of each status that are counted, so that the page is soon there."""
COUNTED: Final = 10_000
"""Recipients with a category by older rules that are counted at most."""
_UNMATCHED: Final = 50
"""Kinds of replies that are listed."""
_PREVIEWED: Final = 1000
"""Refusals that a new rule is tried on."""
_ACTS: Final = 20
_NOTICE: Final = timedelta(minutes=1)
_FIELDS: Final = ("category", "words", "expression", "code", "host", "phase", "note")
_PHASES: Final = tuple(
    phase for phase in Phase if phase not in (Phase.ROUTING, Phase.DNS, Phase.CONNECT)
)
_CATEGORIES: Final = tuple(category for category in Category if category is not Category.ACCEPTED)


async def show_rules(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with how the rules fare, what none of them explains, and the corrections."""
    ledger, since = visit.panel.ledger, visit.now - WEEK
    counts = await ledger.categories(since, LOOKED_AT)
    refusals = await ledger.last_refused(since, LOOKED_AT, Category.NO_REASON)
    unmatched = await asyncio.to_thread(group, refusals)
    progress = await ledger.reclassification()
    return visit.page(
        "rules.html",
        version=(await ledger.rule_book()).version,
        counts=sorted(counts.items(), key=lambda item: (-item[1], item[0])),
        meaning_of=meaning_of,
        total=sum(counts.values()),
        looked_at=LOOKED_AT,
        unmatched=unmatched[:_UNMATCHED],
        others=len(unmatched) - _UNMATCHED,
        words_of=words_of,
        corrections=await ledger.corrections(),
        acts=await ledger.rule_acts(_ACTS),
        progress=progress,
        older=await ledger.older_judgements(COUNTED),
        counted=COUNTED,
        share=share_done(progress) if progress else 0,
    )


async def show_form(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the form for a rule, and with what the rule in it would change."""
    query = visit.request.query
    fields = {name: query.get(name, "").strip() for name in _FIELDS}
    return await _form(visit, viewer, fields, previewed="preview" in query)


async def add(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Add a rule."""
    form = await read_form(visit.request)
    fields = {name: form.get(name).strip() for name in _FIELDS}
    correction = _correction(visit, viewer, fields)
    if correction is None or problem_of(correction):
        return await _form(visit, viewer, fields, previewed=True, status=422)
    if not await visit.panel.ledger.add_correction(correction):
        problem = "There are as many rules as there may be. Remove one first."
        return await _form(visit, viewer, fields, previewed=True, status=422, problem=problem)
    await visit.panel.ledger.rule_book()
    return _done(visit, Act.RULE_ADDED)


async def switch(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Switch a rule on or off."""
    form = await read_form(visit.request)
    await visit.panel.ledger.switch_correction(
        form.get("rule"), on=form.get("on") == "1", actor=viewer.account.address, now=visit.now
    )
    return _done(visit, Act.RULE_SWITCHED)


async def remove(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Remove a rule for good."""
    form: Form = await read_form(visit.request)
    await visit.panel.ledger.remove_correction(
        form.get("rule"), actor=viewer.account.address, now=visit.now
    )
    return _done(visit, Act.RULE_REMOVED)


async def apply(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Have the record judged by the present rules; a worker does it."""
    await visit.panel.ledger.begin_reclassifying(viewer.account.address, visit.now)
    return _done(visit, Act.RULES_APPLIED)


def meaning_of(category: str) -> str:
    """Return what a category says happened; nothing for one that is none of ours."""
    known = category in set(Category)
    return meanings().categories[Category(category)].what_happened if known else ""


def share_done(progress: Reclassifying) -> int:
    """Return how far judging the record anew has come, in per cent of the time it covers."""
    if progress.ended_at is not None or not progress.end_id:
        return 100
    if not progress.last_id:
        return 0
    first, last, end = map(time_of, (progress.first_id, progress.last_id, progress.end_id))
    return min(99, int(100 * ((last - first) / (end - first)))) if end > first else 99


async def _form(
    visit: Visit,
    viewer: Viewer,
    fields: dict[str, str],
    *,
    previewed: bool,
    status: int = 200,
    problem: str = "",
) -> web.StreamResponse:
    correction = _correction(visit, viewer, fields)
    if previewed and not problem:
        problem = problem_of(correction) if correction else "Choose a category."
    found: list[Effect] = []
    tried = 0
    if correction is not None and previewed and not problem:
        ledger = visit.panel.ledger
        refusals = await ledger.last_refused(visit.now - WEEK, _PREVIEWED)
        book, tried = await ledger.rule_book(), len(refusals)
        found = await asyncio.to_thread(effects, refusals, book, correction)
    return visit.page(
        "rule.html",
        status,
        fields=fields,
        problem=problem,
        effects=found,
        tried=tried,
        previewed=previewed and not problem,
        categories=_CATEGORIES,
        meaning_of=meaning_of,
        phases=_PHASES,
        longest=LONGEST,
    )


def _correction(visit: Visit, viewer: Viewer, fields: dict[str, str]) -> Correction | None:
    """Return what is in the form; None without a category."""
    category = next((one for one in _CATEGORIES if one == fields["category"]), None)
    if category is None:
        return None
    return Correction(
        id=new_id(visit.now, visit.panel.entropy(8)),
        category=category,
        words=fields["words"],
        expression=fields["expression"],
        code=fields["code"],
        host=fields["host"].lower(),
        phase=next((one for one in _PHASES if one == fields["phase"]), None),
        note=fields["note"],
        created_at=visit.now,
        created_by=viewer.account.address,
    )


def _done(visit: Visit, act: Act) -> web.StreamResponse:
    response = see_other("/rules")
    set_cookie(response, NOTICE_COOKIE, write_notice(act), secure=visit.secure, lifetime=_NOTICE)
    return response
