"""Whether the panel lives, and whether the relay can do its work: for machines."""

import asyncio

from aiohttp import web

from tracker.draining import is_draining
from tracker.store import StoreError
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
    told: dict[str, bool | int] = {"ready": ready, "draining": draining, **found}
    if found["ledger"] and is_local(visit.request):
        told["unread_failures"] = await _unread(visit)
    return web.json_response(told, status=200 if ready else 503)


async def _unread(visit: Visit) -> int:
    """Return how much of the operator's inbox is unread: to be told, not to be unready for."""
    try:
        return await visit.panel.ledger.unread_troubles(visit.now - RECENT)
    except StoreError:
        return 0
