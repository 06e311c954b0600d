"""What an open page of a message listens to (server-sent events, WHATWG HTML 9.2).

Only that something has changed is told, as a version without meaning; the page then fetches
itself. So nothing needs escaping here, and there is one way to show a message.
"""

import asyncio
from datetime import timedelta
from typing import Final

from aiohttp import web

from tracker.store import StoreError, Version
from web.errors import error_page
from web.message.live import TooManyWatches, Watch
from web.panel import Viewer, Visit
from web.security import protect
from web.views.story import find

LASTS: Final = timedelta(minutes=5)
"""How long one connection is open; then the browser comes again, and is let in again or not."""
HEARTBEAT: Final = timedelta(seconds=15)
"""Shorter than what proxies take for silence."""
_GLANCE: Final = timedelta(seconds=1)
"""How soon it is noticed that the browser has gone."""
_CHECK: Final = timedelta(seconds=3)
"""How soon it is noticed that somebody has been logged out, or may see other things now."""
_AGAIN: Final = timedelta(seconds=2)
"""How long the browser waits before it comes again."""


async def watch_message(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Tell the page of a message when it has changed."""
    timeline = await find(visit, viewer)
    try:
        with visit.panel.live.watch(viewer.account.address, timeline.message.id) as watch:
            return await _stream(visit, viewer, watch)
    except TooManyWatches:
        response = error_page(visit, 429)
        response.headers["Retry-After"] = "30"
        return response


async def _stream(visit: Visit, viewer: Viewer, watch: Watch) -> web.StreamResponse:
    request = visit.request
    response = web.StreamResponse()
    response.content_type = "text/event-stream"
    response.charset = "utf-8"
    response.headers["X-Accel-Buffering"] = "no"  # or a proxy keeps it until there is more
    protect(response)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        await response.write(f"retry: {_AGAIN // timedelta(milliseconds=1)}\n\n".encode())
        await _tell(visit, viewer, response, watch)
    except ConnectionError:
        pass  # the page was closed
    return response


async def _tell(visit: Visit, viewer: Viewer, response: web.StreamResponse, watch: Watch) -> None:
    """Tell every change until nothing more is to come, or the time is over."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LASTS.total_seconds()
    silent_since = checked_at = loop.time()
    while loop.time() < until and visit.request.transport is not None:
        has_changed = await watch.wait(_GLANCE)
        if watch.is_over:
            return
        if loop.time() - checked_at >= _CHECK.total_seconds():
            if not await _is_still_in(visit, viewer):
                return
            checked_at = loop.time()
        if has_changed and watch.version is not None:
            await response.write(_event(watch.version))
            silent_since = loop.time()
            if watch.version.is_final:
                return
        elif loop.time() - silent_since >= HEARTBEAT.total_seconds():
            await response.write(b": still here\n\n")
            silent_since = loop.time()


async def _is_still_in(visit: Visit, viewer: Viewer) -> bool:
    """Say whether the page belongs to the same log-in, with the same rights, as when it came.

    The ledger may be away: then nothing can be told either, and the next check decides.
    """
    panel = visit.panel
    try:
        found = await panel.log_ins.find(visit.request, panel.now(), secure=visit.secure)
    except StoreError:
        return True
    return found is not None and found[1].role is viewer.account.role


def _event(version: Version) -> bytes:
    name = "final" if version.is_final else "version"
    return f"event: {name}\ndata: {version.text}\n\n".encode()
