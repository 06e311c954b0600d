"""The operator's inbox: what went wrong on our side, until somebody has read it."""

from datetime import timedelta
from typing import Final

from aiohttp import web

from tracker.permissions import Permission
from web.forms import read_form
from web.insight.trouble import read_value, trouble_row
from web.notices import Act, write_notice
from web.panel import NOTICE_COOKIE, Viewer, Visit, see_other
from web.sessions import set_cookie
from web.unread import RECENT

_MOST: Final = 500
"""Groups that are marked at once."""
_NOTICE: Final = timedelta(minutes=1)


async def show_inbox(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the failures on our side by reason and provider, unread ones first."""
    rows = [trouble_row(each) for each in await visit.panel.ledger.troubles(visit.now - RECENT)]
    return visit.page(
        "inbox.html",
        unread=[row for row in rows if row.fact.is_unread],
        read=[row for row in rows if not row.fact.is_unread],
        kept=RECENT,
        may_mark=viewer.may(Permission.OPERATE),
    )


async def mark_read(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Note that groups were read, each as it was shown: what came since stays unread."""
    form = await read_form(visit.request)
    values = [found for value in form.getall("group")[:_MOST] if (found := read_value(value))]
    actor, ledger = viewer.account.address, visit.panel.ledger
    latest = {
        (each.category, each.place): each.last_at
        for each in await ledger.troubles(visit.now - RECENT)
    }
    for category, place, until in values:
        if last_at := latest.get((category, place)):
            await ledger.mark_read(category, place, until=min(until, last_at), actor=actor)
    visit.panel.unread.forget()
    visit.log.info("inbox read", account=actor, groups=len(values))
    response = see_other("/inbox")
    set_cookie(
        response,
        NOTICE_COOKIE,
        write_notice(Act.INBOX_READ),
        secure=visit.secure,
        lifetime=_NOTICE,
    )
    return response
