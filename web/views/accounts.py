"""Who may submit and who may look: for administrators."""

from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlencode

from aiohttp import web

from tracker.mailbox import MailboxError, parse_mailbox
from tracker.model import Account, Role
from tracker.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from tracker.search import Field, Query, Term, format_query
from web.forms import read_form
from web.notices import Act, write_notice
from web.panel import NOTICE_COOKIE, Viewer, Visit, see_other
from web.portion import portion_of
from web.sessions import set_cookie
from web.track.filters import Asked, link

ROLES: Final = {
    Role.USER: "User: sees the mail of this account",
    Role.DOMAIN_ADMIN: "Domain administrator: sees all mail of the domain",
    Role.SUPPORT: "Support: sees all mail and the relay, and changes nothing",
    Role.ADMIN: "Administrator: sees and manages everything",
}
_LONGEST: Final = 300
"""Characters of a search."""
_NOTICE: Final = timedelta(minutes=1)


def _done(visit: Visit, act: Act, path: str = "/accounts") -> web.StreamResponse:
    response = see_other(path)
    set_cookie(response, NOTICE_COOKIE, write_notice(act), secure=visit.secure, lifetime=_NOTICE)
    return response


def account_path(address: str) -> str:
    """Return where an account is managed."""
    return f"/accounts/{quote(address, safe='@')}"


def password_problem(password: str) -> str:
    """Return what is wrong with a new password; empty when nothing is."""
    if len(password) < SHORTEST_PASSWORD:
        return f"A password has {SHORTEST_PASSWORD} characters at least."
    if len(password) > LONGEST_PASSWORD:
        return f"A password has {LONGEST_PASSWORD} characters at most."
    return ""


def _read_address(text: str) -> str:
    """Return a new account's address; empty when it is none."""
    try:
        return str(parse_mailbox(text.strip())).lower()
    except MailboxError:
        return ""


async def _list(visit: Visit, *, status: int = 200, **context: object) -> web.Response:
    values: dict[str, object] = {"problem": "", "address": "", "role": Role.USER, **context}
    query = visit.request.query
    search = query.get("q", "").strip()[:_LONGEST]
    accounts = await visit.panel.ledger.accounts()
    found = [one for one in accounts if search.lower() in one.address]
    asked = {"q": search} if search else {}
    return visit.page(
        "accounts.html",
        status,
        in_all=len(accounts),
        search=search,
        portion=portion_of(found, "/accounts", asked, query.get("from", "")),
        roles=ROLES,
        shortest=SHORTEST_PASSWORD,
        path_of=account_path,
        **values,
    )


async def show_accounts(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the accounts, all or those with a part of an address."""
    return await _list(visit)


async def add(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Add an account."""
    form = await read_form(visit.request)
    written, password = form.get("address"), form.get("password")
    role = next((one for one in Role if one == form.get("role")), Role.USER)
    address = _read_address(written)
    problem = password_problem(password)
    if not address:
        problem = "Write a full e-mail address, such as alice@example.org."
    if not problem:
        password_hash = await visit.panel.passwords.hash(password)
        account = Account(
            address=address, role=role, password_hash=password_hash, created_at=visit.now
        )
        if await visit.panel.ledger.add_account(account):
            _log(visit, viewer, "account added", address)
            return _done(visit, Act.ACCOUNT_ADDED)
        problem = f"There is an account {address} already."
    return await _list(visit, status=422, problem=problem, address=written, role=role)


async def _find(visit: Visit) -> Account:
    account = await visit.panel.ledger.account(visit.request.match_info["address"].lower())
    if account is None:
        raise web.HTTPNotFound
    return account


def _page(
    visit: Visit, viewer: Viewer, account: Account, *, status: int = 200, problem: str = ""
) -> web.Response:
    return visit.page(
        "account.html",
        status,
        account=account,
        roles=ROLES,
        problem=problem,
        shortest=SHORTEST_PASSWORD,
        path_of=account_path(account.address),
        is_self=account.address == viewer.account.address,
        mail=_mail_of(account, visit),
    )


def _mail_of(account: Account, visit: Visit) -> list[tuple[str, str]]:
    """Return where the mail of an account is, and where all of it that waits is cancelled."""
    zone = visit.times.zone.key
    term = Term(field=Field.ACCOUNT, value=account.address, exact=True)
    its = format_query(Query(terms=(term,)))
    waiting = f"{its} status:waiting"
    act = {"act": "cancel", "all": "1", "q": waiting, "zone": zone, "back": visit.request.path}
    return [
        ("All of it", link(Asked(text=its, zone=zone))),
        ("What waits", link(Asked(text=waiting, zone=zone))),
        ("Cancel all that waits…", f"/acts/new?{urlencode(act)}"),
        ("What was not taken", link(Asked(text=its, zone=zone), "/refused")),
    ]


async def show_account(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with one account."""
    return _page(visit, viewer, await _find(visit))


async def change_password(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Give an account a new password; every log-in of it ends."""
    account = await _find(visit)
    password = (await read_form(visit.request)).get("password")
    if problem := password_problem(password):
        return _page(visit, viewer, account, status=422, problem=problem)
    password_hash = await visit.panel.passwords.hash(password)
    if not await visit.panel.ledger.set_password_hash(account.address, password_hash):
        raise web.HTTPNotFound
    _log(visit, viewer, "password changed", account.address)
    return _done(visit, Act.PASSWORD_CHANGED, account_path(account.address))


async def change_role(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Give an account another role; nobody can lock themselves out."""
    account = await _find(visit)
    wanted = (await read_form(visit.request)).get("role")
    role = next((one for one in Role if one == wanted), None)
    if role is None:
        return _page(visit, viewer, account, status=422, problem="Choose one of the roles.")
    if account.address == viewer.account.address:
        problem = "You cannot change your own role: ask another administrator."
        return _page(visit, viewer, account, status=422, problem=problem)
    if not await visit.panel.ledger.set_role(account.address, role):
        raise web.HTTPNotFound
    _log(visit, viewer, "role changed", account.address)
    return _done(visit, Act.ROLE_CHANGED, account_path(account.address))


async def confirm_removal(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Ask once more."""
    account = await _find(visit)
    return visit.page(
        "account_removal.html", account=account, path_of=account_path(account.address)
    )


async def remove(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Remove an account, but never one's own: somebody has to be left."""
    account = await _find(visit)
    if account.address == viewer.account.address:
        problem = "You cannot remove your own account: ask another administrator."
        return _page(visit, viewer, account, status=422, problem=problem)
    if not await visit.panel.ledger.remove_account(account.address):
        raise web.HTTPNotFound
    _log(visit, viewer, "account removed", account.address)
    return _done(visit, Act.ACCOUNT_REMOVED)


def _log(visit: Visit, viewer: Viewer, event: str, address: str) -> None:
    visit.log.info(event, account=address, by=viewer.account.address, client=visit.client)
