"""Probes: would a server take mail for an address now? Asked in the way that mail goes."""

import asyncio
from datetime import timedelta

from relay.clock import Clock
from relay.deliver import Delivery
from relay.errands.again import Done, failed
from tracker.mailbox import MailboxError, parse_mailbox
from tracker.model import (
    Attempt,
    Body,
    Client,
    Errand,
    ErrandResult,
    Event,
    EventId,
    EventKind,
    HeaderFacts,
    Job,
    LeaseToken,
    Message,
    MessageId,
    MessageKind,
    Postponement,
    Recipient,
    RecipientId,
    Scope,
    Trigger,
)
from tracker.store import Store
from tracker.views import Timeline

_SIZE = 1000
"""Octets that are announced where there is no message."""


async def probe(
    errand: Errand,
    *,
    ledger: Store,
    delivery: Delivery,
    clock: Clock,
    patience: timedelta,
) -> Done:
    """Ask, and return what was seen; nothing of it counts as an attempt at a recipient."""
    try:
        job = await _job(errand, ledger, clock)
        async with asyncio.timeout(patience.total_seconds()):
            seen = await delivery.probe(job)
    except MailboxError as error:
        return failed(f"That is no address: {error}")
    except TimeoutError:
        return failed(f"There was no answer within {patience.total_seconds():g} seconds.")
    if isinstance(seen, Postponement):
        return failed(f"Nothing was asked, because mail for it has to wait: {seen.detail}.")
    return Done(ErrandResult(attempt=seen), _events(errand, seen, clock))


def _events(errand: Errand, seen: Attempt, clock: Clock) -> list[Event]:
    """Return what the timeline tells of a probe: who asked, and the words of the server."""
    if errand.message_id is None:
        return []
    host = f"{seen.target.host} answered: " if seen.target is not None and seen.reply else ""
    return [
        Event(
            id=EventId(clock.mint()),
            message_id=errand.message_id,
            recipient_id=errand.recipient_id,
            at=clock.now(),
            kind=EventKind.PROBED,
            actor=errand.actor,
            detail=f"{host}{seen.words}",
        )
    ]


async def _job(errand: Errand, ledger: Store, clock: Clock) -> Job:
    """Return a job to the address, as the message would make one, or one from the actor."""
    mailbox = parse_mailbox(errand.address)
    timeline = await _timeline(errand, ledger)
    message = timeline.message if timeline is not None else _message(errand, clock)
    next_hop = _next_hop(errand, timeline)
    now = clock.now()
    recipient = Recipient(
        id=errand.recipient_id or RecipientId(errand.id),
        message_id=message.id,
        forward_path=str(mailbox),
        domain=mailbox.domain,
        destination=next_hop or mailbox.domain,
        next_hop=next_hop,
        status_since=now,
        expires_at=now,
    )
    return Job(
        lease=LeaseToken(""),
        message=message,
        destination=recipient.destination,
        recipients=(recipient,),
        trigger=Trigger.RETRY_NOW,
    )


async def _timeline(errand: Errand, ledger: Store) -> Timeline | None:
    if errand.message_id is None:
        return None
    return await ledger.timeline(errand.message_id, Scope())


def _next_hop(errand: Errand, timeline: Timeline | None) -> str:
    """Return where somebody sends the recipient that is asked about, if it is asked about itself.

    Another address in its place goes as configured, as it would if the message were sent to it.
    """
    for recipient in timeline.recipients if timeline is not None else ():
        if (recipient.id, recipient.forward_path) == (errand.recipient_id, errand.address):
            return recipient.next_hop
    return ""


def _message(errand: Errand, clock: Clock) -> Message:
    return Message(
        id=MessageId(errand.id),
        kind=MessageKind.MAIL,
        accepted_at=clock.now(),
        account=errand.account,
        reverse_path=errand.account or "",
        client=Client(address=""),
        size=_SIZE,
        header=HeaderFacts(),
        ret=None,
        envid=None,
        body=Body.SEVEN_BIT,
        smtputf8=not errand.address.isascii(),
    )
