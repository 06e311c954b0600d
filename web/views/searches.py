"""*Saved searches*: save, rename, share, remove."""

import asyncio
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from tracker.model import Audience, SavedSearch, new_id
from tracker.search import QueryError, parse
from web.forms import Form, read_form
from web.notices import Act, write_notice
from web.panel import NOTICE_COOKIE, Viewer, Visit, see_other
from web.sessions import set_cookie
from web.track.saved import AUDIENCES, LONGEST_NAME, Searches, audiences_of, searches_of, url_of
from web.track.submitted import LONGEST_TEXT

_NO_NAME: Final = "Give the search a name."
_TAKEN: Final = "There is a search of that name already, or there are too many of them."


async def read_searches(visit: Visit, viewer: Viewer) -> Searches:
    """Return every search that the viewer may choose."""
    ledger, address = visit.panel.ledger, viewer.account.address
    saved, recent = await asyncio.gather(
        ledger.saved_searches(address), ledger.recent_searches(address)
    )
    return searches_of(viewer.account, saved, recent)


def saving(viewer: Viewer) -> dict[str, object]:
    """Return what a form for saving needs."""
    return {
        "audiences": [(one, AUDIENCES[one]) for one in audiences_of(viewer.account)],
        "longest_name": LONGEST_NAME,
    }


async def show_searches(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the page of saved searches."""
    return await _page(visit, viewer)


async def save(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Save a search under a name, and go back to it."""
    form = await read_form(visit.request)
    name, text = _name(form), form.get("q").strip()[:LONGEST_TEXT]
    problem = _problem(visit, name, text)
    if problem is None:
        search = SavedSearch(
            id=new_id(visit.now, visit.panel.entropy(8)),
            owner=viewer.account.address,
            audience=_audience(form, viewer),
            name=name,
            text=text,
            created_at=visit.now,
        )
        if await visit.panel.ledger.save_search(search):
            return _done(visit, Act.SEARCH_SAVED, url_of(text))
        problem = _TAKEN
    return await _page(visit, viewer, problem=problem, name=name, text=text)


async def change(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Give a search of the viewer's another name, or share it."""
    form = await read_form(visit.request)
    name = _name(form)
    await _own(visit, viewer)
    if not name:
        return await _page(visit, viewer, problem=_NO_NAME)
    changed = await visit.panel.ledger.change_search(
        visit.request.match_info["search"],
        viewer.account.address,
        name=name,
        audience=_audience(form, viewer),
    )
    if not changed:
        return await _page(visit, viewer, problem=_TAKEN)
    return _done(visit, Act.SEARCH_CHANGED, "/searches")


async def remove(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Remove a search of the viewer's."""
    search = await _own(visit, viewer)
    await visit.panel.ledger.remove_search(search.id, viewer.account.address)
    return _done(visit, Act.SEARCH_REMOVED, "/searches")


async def _own(visit: Visit, viewer: Viewer) -> SavedSearch:
    """Return the search that the URL names. Raises HTTPNotFound when it is not the viewer's."""
    saved = await visit.panel.ledger.saved_searches(viewer.account.address)
    for one in saved:
        if (one.id, one.owner) == (visit.request.match_info["search"], viewer.account.address):
            return one
    raise web.HTTPNotFound


async def _page(
    visit: Visit, viewer: Viewer, *, problem: str = "", name: str = "", text: str = ""
) -> web.Response:
    return visit.page(
        "searches.html",
        422 if problem else 200,
        problem=problem,
        name=name,
        text=text,
        longest=LONGEST_TEXT,
        searches=await read_searches(visit, viewer),
        **saving(viewer),
    )


def _problem(visit: Visit, name: str, text: str) -> str | None:
    """Return why a search cannot be saved."""
    if not name:
        return _NO_NAME
    try:
        parse(text, now=visit.now, zone=visit.times.zone)
    except QueryError as problem:
        return str(problem)
    return None


def _name(form: Form) -> str:
    return " ".join(form.get("name").split())[:LONGEST_NAME]


def _audience(form: Form, viewer: Viewer) -> Audience:
    """Return for whom a search is meant to be; whoever may not share keeps it."""
    allowed: Sequence[Audience] = audiences_of(viewer.account)
    return next((one for one in allowed if one == form.get("audience")), Audience.OWNER)


def _done(visit: Visit, act: Act, path: str) -> web.Response:
    response = see_other(path)
    set_cookie(response, NOTICE_COOKIE, write_notice(act), secure=visit.secure)
    return response
