"""One's own account: what it is, and its password."""

from datetime import timedelta
from functools import partial
from typing import Final

from aiohttp import web

from tracker.guard import Blocked
from tracker.model import Account
from tracker.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from web.client import network_of
from web.forms import read_form
from web.notices import Act, write_notice
from web.panel import NOTICE_COOKIE, Viewer, Visit, see_other
from web.sessions import set_cookie
from web.views.accounts import ROLES, password_problem

_NOTICE: Final = timedelta(minutes=1)


def _page(
    visit: Visit, viewer: Viewer, *, status: int = 200, problem: str = "", of: str = ""
) -> web.Response:
    """Return the page; a problem is that of the field `of`."""
    role, _, meaning = ROLES[viewer.account.role].partition(": ")
    return visit.page(
        "own.html",
        status,
        account=viewer.account,
        role=role,
        meaning=meaning,
        problem=problem,
        of=of,
        shortest=SHORTEST_PASSWORD,
    )


async def show(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the account of whoever looks."""
    return _page(visit, viewer)


async def change_password(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Give one's own account another password; every log-in of it ends but this one.

    The present one is asked for: a browser that was left open must not be enough. Wrong ones
    count as those of the log-in do.
    """
    form = await read_form(visit.request)
    address, password = viewer.account.address, form.get("password")
    if problem := password_problem(password):
        return _page(visit, viewer, status=422, problem=problem, of="password")
    keys = (f"panel client {network_of(visit.client)}", f"panel account {address}")
    try:
        found = await visit.panel.guard.watch(
            keys, partial(_confirmed, visit, viewer, form.get("present"))
        )
    except Blocked as blocked:
        response = visit.page("blocked.html", 429, until=blocked.until)
        response.headers["Retry-After"] = str(int((blocked.until - visit.now).total_seconds()) + 1)
        return response
    if found is None:
        visit.log.warning("password not changed", account=address, client=visit.client)
        problem = "The present password is not right."
        return _page(visit, viewer, status=422, problem=problem, of="present")
    password_hash = await visit.panel.passwords.hash(password)
    if not await visit.panel.ledger.set_password_hash(address, password_hash):
        raise web.HTTPNotFound
    visit.log.info("password changed", account=address, by=address)
    response = see_other("/me")
    await visit.panel.log_ins.open(response, viewer.account, visit.now, secure=visit.secure)
    notice = write_notice(Act.PASSWORD_CHANGED)
    set_cookie(response, NOTICE_COOKIE, notice, secure=visit.secure, lifetime=_NOTICE)
    return response


async def _confirmed(visit: Visit, viewer: Viewer, password: str) -> Account | None:
    """Return the account when that is its present password."""
    account = viewer.account
    known = account.password_hash if len(password) <= LONGEST_PASSWORD else None
    shown = password[:LONGEST_PASSWORD]
    is_right = await visit.panel.passwords.verify(account.address, shown, known)
    return account if is_right else None
