"""Whether the panel lives, and whether the relay can do its work: for machines."""

import asyncio

from aiohttp import web

from config.settings import Settings
from tracker.draining import is_draining
from tracker.room import find_shortages
from tracker.store import StoreError
from web import readiness
from web.client import is_local
from web.panel import Visit
from web.unread import RECENT


async def say_alive(visit: Visit) -> web.StreamResponse:
    """Answer at all: the loop runs."""
    return web.json_response({"alive": True})


async def say_ready(visit: Visit) -> web.StreamResponse:
    """Answer 200 or 503, and which part it is; a node that drains is not to get anything new."""
    found = await visit.panel.readiness.find(visit.now)
    draining = await asyncio.to_thread(is_draining, visit.panel.settings.state_directory)
    ready = all(found.values()) and not draining
    told: dict[str, bool | int | list[str]] = {"ready": ready, "draining": draining, **found}
    if is_local(visit.request):
        if missing := await asyncio.to_thread(_find_missing, visit.panel.settings):
            told["missing"] = missing
        if found["ledger"]:
            told["unread_failures"] = await _unread(visit)
    return web.json_response(told, status=200 if ready else 503)


def _find_missing(settings: Settings) -> list[str]:
    """Return which disks have too little room, and what to do; it names our directories."""
    return [str(shortage) for shortage in find_shortages(settings, readiness.LEAST_FREE)]


async def _unread(visit: Visit) -> int:
    """Return how much of the operator's inbox is unread: to be told, not to be unready for."""
    try:
        return await visit.panel.ledger.unread_troubles(visit.now - RECENT)
    except StoreError:
        return 0
