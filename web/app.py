"""The panel as one aiohttp application: gates before every page, headers after it."""

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from config.settings import Settings
from tracker.model import Scope
from tracker.passwords import Passwords, PasswordsBusy
from tracker.permissions import Permission
from tracker.routing import Routes
from tracker.store import Ledger, OutcomeUnknown, StoreError
from web.csrf import FIELD, is_own_site, is_token
from web.errors import error_page
from web.forms import read_form
from web.panel import PANEL, Panel, Viewer, Visit, see_other
from web.routes import PRIVATE, PUBLIC, PrivatePage, PublicPage
from web.security import protect
from web.unsent import read_late
from web.views import log_in

LARGEST_FORM: Final = 64 * 1024
"""Bytes of a POST that are read."""
LONGEST_LINE: Final = 48 * 1024
"""Bytes of the first line of a request, for whoever serves this: a search of the longest kind, in
letters that take nine bytes each in a URL, comes twice in what a form sends."""


def build(
    settings: Settings,
    *,
    routes: Routes,
    node: str,
    ledger: Ledger,
    passwords: Passwords,
    now: Callable[[], datetime],
    entropy: Callable[[int], bytes],
) -> web.Application:
    """Return the panel, ready to be served.

    `routes` are those of `settings`, `node` is the name of the node whose workers make it ready.
    `entropy` returns that many unguessable bytes, as `os.urandom` does. The caller serves it, with
    TLS when `settings.panel.certificate` is set, and closes `ledger` and `passwords`.
    """
    panel = Panel(
        settings,
        routes=routes,
        node=node,
        ledger=ledger,
        passwords=passwords,
        now=now,
        entropy=entropy,
    )
    app = web.Application(middlewares=[_guard], client_max_size=LARGEST_FORM)
    app[PANEL] = panel
    app.on_shutdown.append(_end_watches)
    app.on_cleanup.append(_write_accesses)
    app.router.add_get("/static/{name}", panel.static.serve)
    for public in PUBLIC:
        _add(app, public.method, public.path, _open_to_all(public.page))
    for private in PRIVATE:
        handler = _open_to_viewers(private.page, private.needs)
        _add(app, private.method, private.path, handler)
    return app


async def _end_watches(app: web.Application) -> None:
    """Let no open page keep the panel from ending."""
    await app[PANEL].live.close()


async def _write_accesses(app: web.Application) -> None:
    """Put on record what was looked at last; a ledger that is gone is told of in the log."""
    await app[PANEL].access.finish()


def _add(app: web.Application, method: str, path: str, handler: Handler) -> None:
    """Add a route; what answers to GET answers to HEAD."""
    add = {"GET": app.router.add_get, "POST": app.router.add_post}[method]
    add(path, handler)


def _open_to_all(page: PublicPage) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method == "POST" and not is_own_site(request.headers):
            raise web.HTTPForbidden
        return await page(Visit(request, request.app[PANEL]))

    return handle


def _open_to_viewers(page: PrivatePage, needs: Permission | None) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        visit = Visit(request, request.app[PANEL])
        viewer = await _viewer_of(visit)
        if viewer is None:
            return await _ask_to_log_in(visit)
        visit.watch(viewer)
        await visit.look_for_unread(viewer)
        if needs is not None and not viewer.may(needs):
            return error_page(visit, 404)
        if request.method == "POST" and not await _is_ours(request, viewer):
            late = await read_late(request)
            return log_in.show_unsent(visit, late, status=403) if late else error_page(visit, 403)
        await visit.panel.access.make_room()
        try:
            return await page(visit, viewer)
        except web.HTTPNotFound:
            return error_page(visit, 404)
        finally:
            visit.panel.access.write_soon()

    return handle


async def _viewer_of(visit: Visit) -> Viewer | None:
    found = await visit.panel.log_ins.find(visit.request, visit.now, secure=visit.secure)
    if found is None:
        return None
    session, account = found
    return Viewer(account=account, session=session, scope=Scope.of(account))


async def _is_ours(request: web.Request, viewer: Viewer) -> bool:
    """Say whether a POST comes from a page of ours."""
    if not is_own_site(request.headers):
        return False
    form = await read_form(request)
    return is_token(form.get(FIELD), viewer.session.csrf_token)


async def _ask_to_log_in(visit: Visit) -> web.StreamResponse:
    """Send a person to the form, with what they have just sent; tell a program in its own way."""
    request = visit.request
    if request.method == "POST" and (late := await read_late(request)):
        return log_in.ask_again(visit, late)
    if not request.path.startswith("/api/"):
        return see_other(_log_in_path(request))
    told = {"error": "Nobody is logged in: send the cookie of a session of the panel."}
    return web.json_response(told, status=401)


def _log_in_path(request: web.Request) -> str:
    """Return where to log in; after it, a page that was asked for is shown."""
    if request.method != "GET" or request.path_qs == "/":
        return "/login"
    return f"/login?{urlencode({'next': request.path_qs})}"


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every failure into a page that says what to do, and protect every answer."""
    try:
        response = await handler(request)
    except web.HTTPException as answer:
        visit = Visit(request, request.app[PANEL])
        with contextlib.suppress(StoreError):
            if viewer := await _viewer_of(visit):
                visit.viewer = viewer
                await visit.look_for_unread(viewer)
        response = error_page(visit, answer.status)
        if allow := answer.headers.get("Allow"):
            response.headers["Allow"] = allow
    except (StoreError, PasswordsBusy) as problem:
        visit = Visit(request, request.app[PANEL])
        visit.log.warning("page failed", path=request.path, problem=repr(problem))
        response = error_page(visit, 503, unsure=isinstance(problem, OutcomeUnknown))
    except Exception:
        visit = Visit(request, request.app[PANEL])
        visit.log.exception("page failed", path=request.path)
        response = error_page(visit, 500)
    protect(response)
    return response
