"""Who looked at my mail."""

from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from tracker.model import Access, AccessId, AccessKind, Scope, is_id
from tracker.permissions import Permission
from web.panel import Viewer, Visit
from web.security import local_path

PAGE: Final = 50

_WORDS: Final = {
    AccessKind.MESSAGE: "Opened the message",
    AccessKind.LIST: "Saw it in a list",
    AccessKind.EXPORT: "Exported it",
    AccessKind.ACT: "Acted on it",
    AccessKind.PRIVACY: "Answered for an address",
}


def _mark(visit: Visit, name: str) -> AccessId | None:
    text = visit.request.query.get(name, "")
    return AccessId(text) if is_id(text) else None


def _link(everybody: bool, **mark: str) -> str:
    asked = {"whose": "all"} if everybody else {}
    return f"/access?{urlencode({**asked, **mark})}"


def can_open(access: Access) -> bool:
    """Say whether the page of a look can be opened by those whose mail it is."""
    return access.kind is AccessKind.MESSAGE and local_path(access.page) == access.page


async def show_access(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the looks at one's own mail, or at all mail in scope, newest first."""
    may_see_all = viewer.may(Permission.SEE_ACCESS)
    everybody = may_see_all and visit.request.query.get("whose") == "all"
    scope = viewer.scope if everybody else Scope(account=viewer.account.address)
    await visit.panel.access.write()
    before, after = _mark(visit, "before"), _mark(visit, "after")
    found = list(
        await visit.panel.ledger.accesses(scope, limit=PAGE + 1, before=before, after=after)
    )
    is_more = len(found) > PAGE
    rows = found[-PAGE:] if after is not None else found[:PAGE]
    has_older = after is not None or is_more
    has_newer = before is not None or (after is not None and is_more)
    return visit.page(
        "access.html",
        rows=rows,
        words=_WORDS,
        can_open=can_open,
        everybody=everybody,
        may_see_all=may_see_all,
        kept=visit.panel.settings.tracking.access_retention,
        older=_link(everybody, before=rows[-1].id) if rows and has_older else None,
        newer=_link(everybody, after=rows[0].id) if rows and has_newer else None,
    )
