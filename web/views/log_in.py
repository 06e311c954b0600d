"""Logging in and out."""

from datetime import timedelta
from functools import partial
from typing import Final

from aiohttp import web

from tracker.guard import Blocked
from tracker.model import Account, Scope
from tracker.passwords import LONGEST_PASSWORD
from web.client import network_of
from web.csrf import FIELD, is_token
from web.forms import read_form
from web.notices import Act, write_notice
from web.panel import LIST_COOKIE, NOTICE_COOKIE, ZONE_COOKIE, ZONE_KEPT, Viewer, Visit, see_other
from web.security import local_path
from web.sessions import (
    LogIns,
    cookie_name,
    drop_cookie,
    looks_like_token,
    make_token,
    set_cookie,
)
from web.track.filters import is_zone
from web.unsent import Unsent, read_carried, write_unsent

_COOKIE: Final = "sendtrace-login"
"""Holds the form's token before there is a session."""
_LONGEST_ADDRESS: Final = 320
"""Characters that are looked at."""
_NOTICE: Final = timedelta(minutes=1)


def _form(visit: Visit, *, status: int = 200, **context: object) -> web.Response:
    """Return the log-in page, with a token that its cookie repeats."""
    token = _expected(visit) or make_token(visit.panel.entropy)
    values: dict[str, object] = {"address": "", "problem": "", "next": "/"}
    values |= {"ended": "", "unsent": "", **context}
    response = visit.page("login.html", status, token=token, **values)
    set_cookie(response, _COOKIE, token, secure=visit.secure)
    return response


def _expected(visit: Visit) -> str:
    """Return the token of the cookie; empty when there is none, or one we cannot have made."""
    token = visit.request.cookies.get(cookie_name(_COOKIE, secure=visit.secure), "")
    return token if looks_like_token(token) else ""


async def show_form(visit: Visit) -> web.StreamResponse:
    """Answer with the log-in page; whoever is logged in goes on at once."""
    onward = local_path(visit.request.query.get("next"))
    found = await visit.panel.log_ins.find(visit.request, visit.now, secure=visit.secure)
    if found is not None:
        return see_other(onward)
    token = visit.request.cookies.get(cookie_name(LogIns.COOKIE, secure=visit.secure), "")
    ended = "Your log-in has ended. Log in to go on." if looks_like_token(token) else ""
    return _form(visit, next=onward, ended=ended)


def ask_again(visit: Visit, unsent: Unsent) -> web.Response:
    """Answer a form that was sent when nobody was logged in any more: it is not lost."""
    ended = "Your log-in had ended, so nothing was changed. Log in: what you sent is still here."
    return _form(visit, status=403, ended=ended, unsent=write_unsent(unsent), next=unsent.back)


def show_unsent(visit: Visit, unsent: Unsent, *, status: int = 200) -> web.Response:
    """Show what somebody has sent in vain, to be sent again."""
    return visit.page("unsent.html", status, unsent=unsent)


async def log_in(visit: Visit) -> web.StreamResponse:
    """Check address and password: the same answer, after the same work, whatever is wrong."""
    form = await read_form(visit.request)
    onward = local_path(form.get("next"))
    unsent = read_carried(visit.request, form.get("unsent"))
    address = form.get("address").strip().lower()[:_LONGEST_ADDRESS]
    again = {"address": address, "next": onward, "unsent": unsent and write_unsent(unsent)}
    if not is_token(form.get(FIELD), _expected(visit)):
        problem = "This page was open for too long, or your browser keeps no cookies. Try again."
        return _form(visit, status=403, problem=problem, **again)
    # AUTH counts under other names, and so for itself.
    keys = (f"panel client {network_of(visit.client)}", f"panel account {address}")
    find = partial(_account_of, visit, address, form.get("password"))
    try:
        account = await visit.panel.guard.watch(keys, find)
    except Blocked as blocked:
        return _blocked(visit, blocked.until - visit.now)
    if account is None:
        visit.log.warning("log-in refused", account=address, client=visit.client)
        problem = "The address or the password is not right."
        return _form(visit, status=403, problem=problem, **again)
    visit.log.info("logged in", account=address, client=visit.client)
    return await _let_in(visit, account, onward, unsent)


async def _let_in(
    visit: Visit, account: Account, onward: str, unsent: Unsent | None
) -> web.Response:
    """Begin a session, and go on to the page that was asked for, or to what was sent in vain."""
    token, session = await visit.panel.log_ins.begin(account, visit.now)
    if unsent is None:
        response = see_other(onward)
    else:
        visit.viewer = Viewer(account=account, session=session, scope=Scope.of(account))
        await visit.look_for_unread(visit.viewer)
        response = show_unsent(visit, unsent)
    visit.panel.log_ins.give(response, token, secure=visit.secure)
    zone = (await visit.panel.ledger.habits(account.address)).zone
    if is_zone(zone):
        set_cookie(response, ZONE_COOKIE, zone, secure=visit.secure, lifetime=ZONE_KEPT)
    return response


async def _account_of(visit: Visit, address: str, password: str) -> Account | None:
    """Return the account that address and password open."""
    account = await visit.panel.ledger.account(address)
    known = account.password_hash if account is not None else None
    if len(password) > LONGEST_PASSWORD:
        known, password = None, password[:LONGEST_PASSWORD]
    is_right = await visit.panel.passwords.verify(address, password, known)
    return account if is_right else None


def _blocked(visit: Visit, wait: timedelta) -> web.Response:
    """Answer somebody who failed too often."""
    response = visit.page("blocked.html", 429, until=visit.now + wait)
    response.headers["Retry-After"] = str(int(wait.total_seconds()) + 1)
    return response


async def log_out(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """End the session."""
    response = see_other("/login")
    await visit.panel.log_ins.end(response, viewer.session, secure=visit.secure)
    drop_cookie(response, LIST_COOKIE, secure=visit.secure)
    notice = write_notice(Act.LOGGED_OUT)
    set_cookie(
        response,
        NOTICE_COOKIE,
        notice,
        secure=visit.secure,
        lifetime=_NOTICE,
    )
    return response
