"""How many rows have come since a list was shown: what the script of the list asks for."""

from typing import Final

from aiohttp import web

from tracker.search import QueryError
from web.panel import Viewer, Visit
from web.track.filters import read_asked
from web.track.form_text import OPENING, write_text
from web.track.listing import count_newer, want

MOST: Final = 99
"""More are shown as "99+"."""


async def show_newer(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with a number and what the page says of it; a list that is no list has none."""
    asked = read_asked(visit.request.query, visit.times.zone.key, write_text(OPENING))
    try:
        wanted = want(asked, visit.times, visit.panel.settings.tracking.retention)
    except QueryError:
        raise web.HTTPNotFound from None
    number = await count_newer(visit.panel.unwatched, viewer.scope, wanted, MOST)
    count = number.value + (number.value == MOST and number.cut)
    return web.json_response({"count": count, "words": f"{number} new"})
