"""Probes: "would it work now?", asked of the receiver's server without sending a message."""

from datetime import timedelta
from functools import partial
from typing import Final

from aiohttp import web

from tracker.explain import explain
from tracker.mailbox import MailboxError, parse_mailbox
from tracker.model import (
    Attempt,
    Errand,
    ErrandId,
    ErrandKind,
    Excess,
    MessageId,
    Outcome,
    ProbeLimits,
    RecipientId,
    is_id,
    new_id,
)
from web.forms import read_form
from web.message.attempts import attempt_story
from web.panel import Viewer, Visit, see_other
from web.views.again import chosen

BY_ONE: Final = 20
TO_ONE: Final = 10
_WITHIN: Final = timedelta(hours=1)
"""Probes of one person, and to one domain by all together: receivers take who asks for many
addresses and sends nothing for somebody who collects them."""
_WATCH: Final = "1"


async def ask_about_message(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with what a probe of a recipient does, and the button."""
    about = await chosen(visit, viewer, visit.request.query.get("recipient", ""))
    path = f"/messages/{about.message.id}/probe"
    return _form(visit, about.recipient.forward_path, path, about.recipient.id)


async def ask_about_address(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the form for any address."""
    return _form(visit, visit.request.query.get("address", "")[:254], "/probe", None)


def _form(
    visit: Visit,
    address: str,
    path: str,
    recipient: RecipientId | None,
    *,
    problem: str = "",
    status: int = 200,
) -> web.Response:
    return visit.page(
        "probe.html",
        status,
        address=address,
        target=path,
        recipient=recipient,
        problem=problem,
        by_one=BY_ONE,
        to_one=TO_ONE,
        key=visit.panel.entropy(16).hex(),
    )


async def probe_for_message(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Have a worker ask about a recipient, from the message's sender."""
    form = await read_form(visit.request)
    about = await chosen(visit, viewer, form.get("recipient"))
    return await _ask(
        visit,
        viewer,
        form.get("key"),
        about.recipient.forward_path,
        message_id=about.message.id,
        recipient_id=about.recipient.id,
    )


async def probe_address(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Have a worker ask about an address, from the person's own."""
    form = await read_form(visit.request)
    return await _ask(visit, viewer, form.get("key"), form.get("address").strip())


async def _ask(
    visit: Visit,
    viewer: Viewer,
    key: str,
    address: str,
    *,
    message_id: MessageId | None = None,
    recipient_id: RecipientId | None = None,
) -> web.StreamResponse:
    path = f"/messages/{message_id}/probe" if message_id else "/probe"
    refuse = partial(_form, visit, address[:254], path, recipient_id, status=422)
    try:
        mailbox = parse_mailbox(address)
    except MailboxError as error:
        return refuse(problem=f"That is no address: {error}")
    if not key:
        return refuse()
    asked = Errand(
        id=ErrandId(new_id(visit.now, visit.panel.entropy(8))),
        key=f"{viewer.account.address} {key[:64]}",
        kind=ErrandKind.PROBE,
        actor=viewer.account.address,
        account=viewer.account.address,
        message_id=message_id,
        recipient_id=recipient_id,
        address=f"{mailbox.local_part}@{mailbox.domain}",
        asked_at=visit.now,
    )
    limits = ProbeLimits(since=visit.now - _WITHIN, by_actor=BY_ONE, to_domain=TO_ONE)
    errand = await visit.panel.ledger.ask_probe(asked, limits)
    if isinstance(errand, Excess):
        return refuse(problem=_too_often(errand, mailbox.domain))
    visit.log.info("probe", errand=errand.id, by=errand.actor, address=address)
    return see_other(f"/errands/{errand.id}")


def _too_often(excess: Excess, domain: str) -> str:
    """Return why nobody is asked now."""
    if excess is Excess.OF_ACTOR:
        return f"You have asked {BY_ONE} times within an hour: wait a little."
    return f"{domain} has been asked {TO_ONE} times within an hour: wait a little."


async def show(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with what an errand has come to."""
    identifier = visit.request.match_info["id"].upper()
    errand = None
    if is_id(identifier):
        errand = await visit.panel.ledger.errand(ErrandId(identifier), viewer.scope)
    if errand is None:
        raise web.HTTPNotFound
    attempt = errand.result.attempt
    is_probe = errand.kind is ErrandKind.PROBE
    response = visit.page(
        "errand.html",
        errand=errand,
        is_probe=is_probe,
        sentence=sentence_of(errand.address, attempt) if attempt else "",
        explained=explain(attempt) if attempt and not _is_willing(attempt) else None,
        told=attempt_story(attempt) if attempt else None,
        still=visit.request.query.get("still") == "1",
    )
    if errand.ended_at is None and visit.request.query.get("still") != "1":
        response.headers["Refresh"] = _WATCH
    return response


def _is_willing(attempt: Attempt) -> bool:
    return attempt.outcome is Outcome.DELIVERED


def sentence_of(address: str, attempt: Attempt) -> str:
    """Return what a probe has shown, to be read out."""
    host = attempt.target.host if attempt.target else "Its server"
    if _is_willing(attempt):
        return (
            f"Yes: {host} would take mail for {address} now. It has not seen a message, and may "
            "still refuse one for what is in it."
        )
    if attempt.outcome is Outcome.FAILED:
        return f"No: mail for {address} would be refused for good now."
    return f"Not now: mail for {address} would have to wait."
