"""Sending a message that came back again, to another address."""

from typing import NamedTuple

from aiohttp import web

from tracker.mailbox import MailboxError, comparable, parse_mailbox
from tracker.model import (
    Errand,
    ErrandId,
    ErrandKind,
    Message,
    MessageId,
    Recipient,
    RecipientId,
    Status,
    is_id,
    new_id,
)
from tracker.views import Row
from web.forms import read_form
from web.panel import Viewer, Visit, see_other
from web.track.rows import subject_of
from web.views.offers import listed

_MAY_GO_AGAIN = frozenset({Status.BOUNCED, Status.EXPIRED, Status.CANCELLED})


class Chosen(NamedTuple):
    """Whom it is about."""

    message: Message
    recipient: Recipient


async def chosen(visit: Visit, viewer: Viewer, recipient: str) -> Chosen:
    """Return the recipient of the message in the path; 404 outside of what the viewer sees.

    The first one when none is named.
    """
    message = visit.request.match_info["id"].upper()
    if not recipient and is_id(message):
        timeline = await visit.panel.ledger.timeline(MessageId(message), viewer.scope)
        recipient = timeline.recipients[0].id if timeline is not None else ""
    rows: list[Row] = []
    if is_id(message) and is_id(recipient):
        rows = list(await visit.panel.ledger.chosen([RecipientId(recipient)], viewer.scope))
    if not rows or rows[0].message.id != message:
        raise web.HTTPNotFound
    return Chosen(rows[0].message, rows[0].recipient)


async def ask(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Answer with the form, or with why it is too late."""
    about = await chosen(visit, viewer, visit.request.query.get("recipient", ""))
    return await _form(visit, about, about.recipient.forward_path)


async def _form(
    visit: Visit, about: Chosen, address: str, *, problem: str = "", status: int = 200
) -> web.Response:
    return visit.page(
        "send_again.html",
        status,
        message=about.message,
        recipient=about.recipient,
        subject=subject_of(about.message),
        address=address,
        problem=problem,
        is_kept=await visit.panel.ledger.keeps_content(about.message.id),
        may=about.recipient.status in _MAY_GO_AGAIN,
        kept_for=visit.panel.settings.tracking.refused_content,
        key=visit.panel.entropy(16).hex(),
    )


async def send(visit: Visit, viewer: Viewer) -> web.StreamResponse:
    """Have a worker hand the message in again; the same form sent twice does so once."""
    form = await read_form(visit.request)
    about = await chosen(visit, viewer, form.get("recipient"))
    written = form.get("address").strip()
    problem = await _problem(visit, viewer, about, written)
    if problem or not form.get("key"):
        return await _form(visit, about, written[:254], problem=problem, status=422)
    errand = await visit.panel.ledger.ask_errand(
        Errand(
            id=ErrandId(new_id(visit.now, visit.panel.entropy(8))),
            key=f"{viewer.account.address} {form.get('key')[:64]}",
            kind=ErrandKind.SEND_AGAIN,
            actor=viewer.account.address,
            account=viewer.account.address,
            message_id=MessageId(about.message.id),
            recipient_id=about.recipient.id,
            address=written,
            asked_at=visit.now,
        )
    )
    visit.log.info("send again", errand=errand.id, by=errand.actor, message=about.message.id)
    return see_other(f"/errands/{errand.id}")


async def _problem(visit: Visit, viewer: Viewer, about: Chosen, written: str) -> str:
    """Return what speaks against it; empty when nothing does."""
    try:
        address = comparable(str(parse_mailbox(written)))
    except MailboxError as error:
        return f"That is no address: {error}"
    if about.recipient.status not in _MAY_GO_AGAIN:
        return "It has not come back: only what came back, expired or was cancelled goes again."
    if address == comparable(about.recipient.forward_path):
        return "That is the address that it went to before: write another one."
    if await listed(visit, viewer, address):
        return "Nothing is sent to that address: it is on the list of suppressions."
    if not await visit.panel.ledger.keeps_content(about.message.id):
        return "It is too late: the content is not kept any more."
    return ""
