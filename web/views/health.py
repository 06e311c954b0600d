"""Whether the panel lives, and whether the relay can do its work: for machines."""

import asyncio

from aiohttp import web

from tracker.draining import is_draining
from web.panel import Visit


async def say_alive(visit: Visit) -> web.StreamResponse:
    """Answer at all: the loop runs."""
    return web.json_response({"alive": True})


async def say_ready(visit: Visit) -> web.StreamResponse:
    """Answer 200 or 503, and which part it is; a node that drains is not to get anything new."""
    found = await visit.panel.readiness.find(visit.now)
    draining = await asyncio.to_thread(is_draining, visit.panel.settings.state_directory)
    ready = all(found.values()) and not draining
    told = {"ready": ready, "draining": draining, **found}
    return web.json_response(told, status=200 if ready else 503)
