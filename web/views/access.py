"""Who looked at my mail."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from tracker.model import Access, AccessId, AccessKind, Scope, is_id
from tracker.permissions import Permission
from tracker.views import Look
from web.panel import Viewer, Visit
from web.security import local_path

PAGE: Final = 50
NAMED: Final = 100
"""Accounts of one look that are listed."""

_WORDS: Final = {
    AccessKind.MESSAGE: "Opened the message",
    AccessKind.LIST: "Saw it in a list",
    AccessKind.EXPORT: "Exported it",
    AccessKind.ACT: "Acted on it",
    AccessKind.PRIVACY: "Answered for an address",
}


class LookRow(NamedTuple):
    """One look, as far as the viewer may see it."""

    access: Access
    accounts: Sequence[str]
    """Whose mail it was, in order; those of whom much is on record are not all named."""
    unnamed: int
    """How many more."""
    messages: Sequence[str]
    """Which messages were shown, as far as that is on record and the viewer may see them."""


def look_row(look: Look) -> LookRow:
    """Return one row of the page."""
    accounts = sorted({entry.account for entry in look.entries})
    # Ids sort by time: the newest come first, as in the list that was looked at.
    messages = sorted({one for entry in look.entries for one in entry.messages}, reverse=True)
    return LookRow(
        look.entries[0],
        accounts[:NAMED],
        len(accounts[NAMED:]),
        [one for one in messages[:NAMED] if is_id(one)],
    )


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
    found = await visit.panel.ledger.looks(scope, limit=PAGE + 1, before=before, after=after)
    is_more = len(found) > PAGE
    looks = found[-PAGE:] if after is not None else found[:PAGE]
    has_older = after is not None or is_more
    has_newer = before is not None or (after is not None and is_more)
    return visit.page(
        "access.html",
        rows=[look_row(look) for look in looks],
        words=_WORDS,
        can_open=can_open,
        everybody=everybody,
        may_see_all=may_see_all,
        kept=visit.panel.settings.tracking.access_retention,
        older=_link(everybody, before=looks[-1].id) if looks and has_older else None,
        newer=_link(everybody, after=looks[0].id) if looks and has_newer else None,
    )
