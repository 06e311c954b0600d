"""The operator's inbox: what went wrong on our side, until somebody has read it."""

from datetime import timedelta
from typing import Final

from aiohttp import web

from tracker.permissions import Permission
from web.forms import read_form
from web.insight.trouble import kinds_of, read_value
from web.notices import Act, write_notice
from web.panel import NOTICE_COOKIE, Viewer, Visit, see_other
from web.sessions import set_cookie
from web.unread import RECENT

_SHOWN: Final = 5
"""Places of a kind that are in sight at once."""
_LISTED: Final = 30
"""Places of a kind that are on the page at all."""
_NOTICE: Final = timedelta(minutes=1)


async def show_inbox(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the failures on our side by kind and place, unread ones first."""
    kinds = kinds_of(await visit.panel.ledger.troubles(visit.now - RECENT))
    return visit.page(
        "inbox.html",
        unread=[kind for kind in kinds if kind.unread],
        read=[kind for kind in kinds if not kind.unread],
        places=sum(kind.unread for kind in kinds),
        shown=_SHOWN,
        listed=_LISTED,
        kept=RECENT,
        may_mark=viewer.may(Permission.OPERATE),
    )


async def mark_read(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Note that kinds of failures were read, as they were shown: what came since stays unread."""
    form = await read_form(visit.request)
    values = dict(found for value in form.getall("kind") if (found := read_value(value)))
    actor, ledger = viewer.account.address, visit.panel.ledger
    for one in await ledger.troubles(visit.now - RECENT) if values else ():
        until = values.get(one.category)
        if until is not None and one.is_unread and one.first_at <= until:
            until = min(until, one.last_at)
            await ledger.mark_read(one.category, one.place, until=until, actor=actor)
    visit.panel.unread.forget()
    visit.log.info("inbox read", account=actor, kinds=len(values))
    response = see_other("/inbox")
    set_cookie(
        response,
        NOTICE_COOKIE,
        write_notice(Act.INBOX_READ),
        secure=visit.secure,
        lifetime=_NOTICE,
    )
    return response
