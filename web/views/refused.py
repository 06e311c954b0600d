"""*Not taken*: what this relay refused to those who may send through it."""

from typing import Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from tracker.model import Refusal, RefusalId, is_id
from web.panel import Viewer, Visit
from web.track.refused import WHEN, helps_to_try_again, why_refused

PAGE: Final = 50


class RefusedRow(NamedTuple):
    """One refusal in words."""

    refusal: Refusal
    why: str
    when: str
    passes: bool
    """True when it may be taken at another time."""


def refused_row(refusal: Refusal) -> RefusedRow:
    """Return one row of the page."""
    return RefusedRow(
        refusal, why_refused(refusal), WHEN[refusal.command], helps_to_try_again(refusal)
    )


async def show_refused(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with what was refused in the viewer's scope, newest first."""
    text = visit.request.query.get("before", "")
    before = RefusalId(text) if is_id(text) else None
    found = await visit.panel.ledger.refusals(viewer.scope, limit=PAGE + 1, before=before)
    shown = found[:PAGE]
    older = urlencode({"before": shown[-1].id}) if len(found) > PAGE else ""
    return visit.page(
        "refused.html",
        rows=[refused_row(refusal) for refusal in shown],
        older=older and f"/refused?{older}",
        newest=before and "/refused",
        retention=visit.panel.settings.tracking.retention,
    )
