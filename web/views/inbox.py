"""The operator's inbox: what went wrong on our side, until somebody has read it."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from aiohttp import web

from tracker.explain import Category
from tracker.insight import Dimension, Measure
from tracker.permissions import Permission
from web.forms import read_form
from web.insight.senders import BEARS_ON, mail_of, senders_of, span_of
from web.insight.senders import SHOWN as SENDERS
from web.insight.trouble import (
    Kind,
    key_fields,
    key_in,
    kind_of,
    kind_url,
    place_of,
    read_value,
    title_of,
)
from web.notices import Act, write_notice
from web.panel import NOTICE_COOKIE, Viewer, Visit, see_other
from web.security import local_path
from web.sessions import set_cookie
from web.track.filters import Range, range_in_words
from web.unread import RECENT

SHOWN: Final = 5
"""Places of a kind that the inbox shows."""
PAGE: Final = 50
"""Places on a page of a kind."""
_UNREAD: Final = {"state": "unread"}
_NOTICE: Final = timedelta(minutes=1)


async def show_inbox(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the failures on our side by kind and place, unread ones first."""
    found = await visit.panel.ledger.trouble_kinds(visit.now - RECENT, SHOWN)
    kinds = [kind_of(one) for one in found]
    return visit.page(
        "inbox.html",
        unread=[kind for kind in kinds if kind.fact.unread],
        read=[kind for kind in kinds if not kind.fact.unread],
        places=sum(one.unread for one in found),
        kept=RECENT,
        may_mark=viewer.may(Permission.OPERATE),
    )


async def show_kind(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with all places where failures of one kind came up, the latest first."""
    name, query = visit.request.match_info["kind"], visit.request.query
    if name not in set(Category):
        raise web.HTTPNotFound
    category, since, ledger = Category(name), visit.now - RECENT, visit.panel.ledger
    only_unread, after = query.get("state") == _UNREAD["state"], key_in(query)
    # The sums first: what comes up between the two looks is not marked as read by this page.
    kinds = await ledger.trouble_kinds(since, 1)
    found = await ledger.troubles(
        category, since, limit=PAGE + 1, after=after, only_unread=only_unread
    )
    kind = next((kind_of(one) for one in kinds if one.category is category), None)
    asked: Mapping[str, str] = _UNREAD if only_unread else {}
    last = found[PAGE - 1] if len(found) > PAGE else None
    return visit.page(
        "inbox_kind.html",
        title=title_of(category),
        kind=kind,
        **await _senders(visit, viewer, kind),
        places=[place_of(one) for one in found[:PAGE]],
        only_unread=only_unread,
        all_url=kind_url(category),
        unread_url=kind_url(category, **_UNREAD),
        first=after and kind_url(category, **asked),
        older=last and kind_url(category, **asked, **key_fields(last)),
        here=visit.request.path_qs,
        kept=RECENT,
        may_mark=viewer.may(Permission.OPERATE),
    )


async def _senders(visit: Visit, viewer: Viewer, kind: Kind | None) -> dict[str, object]:
    """Return whose mail may have brought it about, for the kinds that somebody's mail brings."""
    if kind is None or kind.fact.category not in BEARS_ON:
        return {"senders": []}
    # The latest place: a failure of weeks ago that is over says nothing about this one.
    span = span_of(kind.fact.troubles[0].first_at, kind.fact.last_at)
    ways = (Dimension.ACCOUNT, Dimension.CATEGORY)
    ledger = visit.panel.ledger
    figures = await ledger.figures(Measure.RECIPIENT, ways, viewer.scope, *span)
    senders = senders_of(figures)
    return {
        "senders": senders[:SENDERS],
        "senders_in_all": len(senders),
        "sent_in": range_in_words(Range(*span, cut=False), visit.times),
        "mail_of": partial(mail_of, span, visit.times),
    }


async def mark_read(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Note that kinds of failures were read, as they were shown: what came since stays unread."""
    form = await read_form(visit.request)
    values = dict(found for value in form.getall("kind") if (found := read_value(value)))
    actor, ledger = viewer.account.address, visit.panel.ledger
    for category, until in values.items():
        await ledger.mark_read(category, since=visit.now - RECENT, until=until, actor=actor)
    visit.panel.unread.forget()
    visit.log.info("inbox read", account=actor, kinds=len(values))
    response = see_other(local_path(form.get("back") or "/inbox"))
    set_cookie(
        response,
        NOTICE_COOKIE,
        write_notice(Act.INBOX_READ),
        secure=visit.secure,
        lifetime=_NOTICE,
    )
    return response
