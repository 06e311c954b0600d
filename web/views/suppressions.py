"""Addresses to which nothing is sent: the list, adding to it, taking off it."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from tracker.mailbox import MailboxError, comparable, parse_mailbox
from tracker.model import (
    Act,
    ActId,
    Deed,
    Scope,
    Suppression,
    SuppressionOrigin,
    new_id,
)
from tracker.permissions import Permission
from tracker.search import Field, Query, Term, format_query
from web.forms import Form, read_form
from web.notices import Act as Notice
from web.notices import write_notice
from web.panel import NOTICE_COOKIE, Viewer, Visit, see_other
from web.sessions import set_cookie

PAGE: Final = 100
_TERMS: Final = {"": "Until it is removed", "7": "7 days", "30": "30 days", "365": "A year"}
_NOTICE: Final = timedelta(minutes=1)
_COUNTED: Final = 10_000
_ANY_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RELAY: Final = "relay"
_DOMAIN: Final = "domain"
_ACCOUNT: Final = "account"


class Choice(NamedTuple):
    """For whose mail somebody may close an address."""

    value: str
    words: str
    scope: Scope


def choices_of(viewer: Viewer) -> list[Choice]:
    """Return for whose mail this viewer may close an address, the widest first."""
    account = viewer.account
    own = Choice(_ACCOUNT, f"My own mail ({account.address})", Scope(account=account.address))
    if not viewer.may(Permission.MANAGE_SUPPRESSIONS):
        return [own]
    domain = Choice(
        _DOMAIN, f"Mail of all accounts of {account.domain}", Scope(domain=account.domain)
    )
    if viewer.scope == Scope():
        return [Choice(_RELAY, "All mail of this relay", Scope()), domain, own]
    return [domain, own]


def may_change(viewer: Viewer, suppression: Suppression) -> bool:
    """Say whether this viewer may take it off the list."""
    scope = viewer.scope
    if scope.account is not None:
        return suppression.account == scope.account
    return scope.domain is None or suppression.domain == scope.domain


def whose_mail(suppression: Suppression) -> str:
    """Return whose mail it is about."""
    if suppression.account:
        return suppression.account
    return f"all of {suppression.domain}" if suppression.domain else "everybody"


def who(suppression: Suppression) -> str:
    """Return who put it on the list."""
    if suppression.origin is SuppressionOrigin.BOUNCE:
        return "The relay, after a bounce"
    return suppression.actor


async def show(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the list, by address, and the form that adds to it."""
    return await _list(visit, viewer)


async def _list(
    visit: Visit, viewer: Viewer, *, problem: str = "", address: str = "", status: int = 200
) -> web.Response:
    query = visit.request.query
    search = query.get("q", "").strip()[:200]
    found = await visit.panel.ledger.suppressions(
        viewer.scope, search=search, limit=PAGE + 1, after=_after(query.get("after", ""))
    )
    last = found[PAGE - 1] if len(found) > PAGE else None
    here = {"q": search} if search else {}
    return visit.page(
        "suppressions.html",
        status,
        rows=[
            (
                one,
                whose_mail(one),
                who(one),
                may_change(viewer, one),
                one.until is None or one.until > visit.now,
            )
            for one in found[:PAGE]
        ],
        search=search,
        choices=choices_of(viewer),
        terms=_TERMS,
        problem=problem,
        address=address or query.get("address", "")[:254],
        newer=f"/suppressions?{urlencode(here)}" if query.get("after") else None,
        older=last and f"/suppressions?{urlencode({**here, 'after': _key(last)})}",
    )


def _key(suppression: Suppression) -> str:
    return f"{suppression.address} {suppression.domain} {suppression.account}"


def _after(text: str) -> Suppression | None:
    """Return the key that a link of ours carries."""
    if not text:
        return None
    rest, _, account = text.rpartition(" ")
    address, _, domain = rest.rpartition(" ")
    return Suppression(address=address, domain=domain, account=account, since=_ANY_TIME)


async def add(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Put an address on the list, and have what waits for it cancelled."""
    form = await read_form(visit.request)
    written = form.get("address").strip()
    try:
        address = comparable(str(parse_mailbox(written)))
    except MailboxError:
        problem = "Write a full e-mail address, such as bob@example.org."
        return await _list(visit, viewer, problem=problem, address=written[:254], status=422)
    choice = next((one for one in choices_of(viewer) if one.value == form.get("whose")), None)
    if choice is None:
        problem = "Choose for whose mail."
        return await _list(visit, viewer, problem=problem, address=written, status=422)
    suppression = _make(visit, viewer, address, choice.scope, form)
    if not await visit.panel.ledger.suppress([suppression]):
        problem = f"{address} is on the list already."
        return await _list(visit, viewer, problem=problem, address=written, status=422)
    visit.log.info("address suppressed", address=address, by=viewer.account.address)
    waiting = await visit.panel.ledger.waiting_for([address], choice.scope, _COUNTED)
    if waiting:
        act = _cancellation(visit, suppression, choice.scope, len(waiting))
        act = await visit.panel.ledger.plan_act(act)
        return see_other(f"/acts/{act.id}?{urlencode({'back': '/suppressions'})}")
    return _done(visit, Notice.SUPPRESSED)


def _make(visit: Visit, viewer: Viewer, address: str, scope: Scope, form: Form) -> Suppression:
    days = form.get("days") if form.get("days") in _TERMS else ""
    return Suppression(
        address=address,
        account=scope.account or "",
        domain=scope.domain or (scope.account or "").rpartition("@")[2],
        reason=form.get("reason").strip()[:200],
        actor=viewer.account.address,
        since=visit.now,
        until=visit.now + timedelta(days=int(days)) if days else None,
    )


def _cancellation(visit: Visit, suppression: Suppression, scope: Scope, expected: int) -> Act:
    """Return the act that cancels what waits for an address that is closed now."""
    terms = (
        Term(field=Field.TO, value=suppression.address, exact=True),
        Term(field=Field.STATUS, value="waiting"),
    )
    identifier = ActId(new_id(visit.now, visit.panel.entropy(8)))
    return Act(
        id=identifier,
        key=f"suppression {identifier}",
        deed=Deed.CANCEL,
        actor=suppression.actor,
        account=suppression.actor,
        scope=scope,
        reason=f"The address is suppressed. {suppression.reason}".strip(),
        query=format_query(Query(terms=terms)),
        zone=visit.times.zone.key,
        created_at=visit.now,
        begins_at=visit.now + visit.panel.settings.tracking.undo_window,
        expected=expected,
    )


async def remove(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Take an address off the list."""
    form = await read_form(visit.request)
    suppression = Suppression(
        address=form.get("address"),
        domain=form.get("domain"),
        account=form.get("account"),
        since=visit.now,
    )
    if not may_change(viewer, suppression):
        raise web.HTTPNotFound
    if not await visit.panel.ledger.unsuppress(suppression):
        raise web.HTTPNotFound
    address, by = suppression.address, viewer.account.address
    visit.log.info("address opened", address=address, by=by)
    return _done(visit, Notice.UNSUPPRESSED)


def _done(visit: Visit, notice: Notice) -> web.StreamResponse:
    response = see_other("/suppressions")
    text = write_notice(notice)
    set_cookie(response, NOTICE_COOKIE, text, secure=visit.secure, lifetime=_NOTICE)
    return response
