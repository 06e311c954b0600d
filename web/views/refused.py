"""*Not taken*: what this relay refused to those who may send through it."""

from typing import Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from tracker.mailbox import comparable
from tracker.model import Refusal, RefusalId, is_id
from tracker.permissions import Permission
from tracker.search import QueryError, parse
from tracker.search.untaken import check_untaken
from tracker.views import RefusalPage
from web.panel import Viewer, Visit
from web.track.refused import WHEN, helps_to_try_again, is_suppressed, why_refused
from web.track.submitted import LONGEST_TEXT

PAGE: Final = 50


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
    """Answer with what was refused in the viewer's scope, newest first."""
    params = visit.request.query
    text = params.get("before", "")
    before = RefusalId(text) if is_id(text) else None
    words = params.get("q", "").strip()
    page, problem = RefusalPage(refusals=(), older=None), ""
    try:
        query = check_untaken(parse(words, now=visit.now, zone=visit.times.zone))
        page = await visit.panel.ledger.search_refusals(
            query, viewer.scope, limit=PAGE, before=before
        )
    except QueryError as fault:
        problem = str(fault)
    return visit.page(
        "refused.html",
        400 if problem else 200,
        rows=[refused_row(refusal) for refusal in page.refusals],
        search=words,
        problem=problem,
        cut=page.cut,
        longest=LONGEST_TEXT,
        older=page.older and _link(words, page.older),
        newest=before and _link(words),
        may_act=viewer.may(Permission.ACT),
        retention=visit.panel.settings.tracking.retention,
    )


def _link(words: str, before: str = "") -> str:
    asked = urlencode({name: value for name, value in (("q", words), ("before", before)) if value})
    return f"/refused?{asked}" if asked else "/refused"
