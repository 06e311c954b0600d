"""Whether the panel lives, and whether the relay can do its work: for machines."""

from aiohttp import web

from web.panel import Visit


async def say_alive(visit: Visit) -> web.StreamResponse:
    """Answer at all: the loop runs."""
    return web.json_response({"alive": True})


async def say_ready(visit: Visit) -> web.StreamResponse:
    """Answer 200 or 503, and which part it is."""
    found = await visit.panel.readiness.find(visit.now)
    ready = all(found.values())
    return web.json_response({"ready": ready, **found}, status=200 if ready else 503)
