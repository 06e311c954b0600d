"""*Not taken*: what this relay refused to those who may send through it."""

from typing import Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from tracker.mailbox import comparable
from tracker.model import Refusal, RefusalId, is_id
from tracker.permissions import Permission
from web.panel import Viewer, Visit
from web.track.refused import WHEN, helps_to_try_again, is_suppressed, why_refused

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
        may_act=viewer.may(Permission.ACT),
        retention=visit.panel.settings.tracking.retention,
    )
