"""The destinations that mail waits for, and the way to the page of any other."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from aiohttp import web

from tracker.mailbox import MailboxError, in_letters, normalize_domain
from tracker.permissions import Permission
from tracker.views import DestinationState
from web.insight.destination import destination_url, name_on_record
from web.panel import Viewer, Visit, see_other
from web.portion import portion_of
from web.views.destination import is_known_to

_MOST: Final = 2000
"""Destinations that are looked at: those with the most mail waiting."""
_LONGEST: Final = 300
"""Characters of a search."""


async def show_destinations(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the destinations that mail waits for; a name in full leads to its page."""
    query = visit.request.query
    search = query.get("q", "").strip()[:_LONGEST]
    if search and (name := await _named(visit, viewer, search)):
        return see_other(destination_url(name))
    waiting = in_order(await visit.panel.ledger.destinations(viewer.scope, _MOST))
    found = [one for one in waiting if has_in_name(one.destination, search)]
    asked = {"q": search} if search else {}
    return visit.page(
        "destinations.html",
        search=search,
        portion=portion_of(found, "/destinations", asked, query.get("from", "")),
        waiting=len(waiting),
        unreachable=sum(not one.reachable for one in waiting),
        is_cut=len(waiting) == _MOST,
        most=_MOST,
        sees_all=viewer.may(Permission.SEE_RELAY),
    )


def in_order(states: Sequence[DestinationState]) -> list[DestinationState]:
    """Return those first that cannot be reached, then by how much waits."""
    return sorted(states, key=lambda one: (one.reachable, -one.waiting, one.destination))


def has_in_name(destination: str, part: str) -> bool:
    """Say whether a name has `part` in it, in either of its spellings."""
    wanted = part.lower()
    return wanted in destination.lower() or wanted in in_letters(destination)


async def _named(visit: Visit, viewer: Viewer, search: str) -> str:
    """Return the destination that was typed in full; empty when the viewer knows of none."""
    written = name_on_record(search.rpartition("@")[2])
    names = [written]
    with suppress(MailboxError):  # the next hop of a route has a port
        names.append(normalize_domain(written))
    for name in dict.fromkeys(names):
        if name and await is_known_to(visit, viewer, name):
            return name
    return ""
