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
    words = seen.reply.text if seen.reply is not None else seen.detail
    host = f"{seen.target.host} answered: " if seen.target is not None and seen.reply else ""
    return [
        Event(
            id=EventId(clock.mint()),
            message_id=errand.message_id,
            recipient_id=errand.recipient_id,
            at=clock.now(),
            kind=EventKind.PROBED,
            actor=errand.actor,
            detail=f"{host}{words}",
        )
    ]


async def _job(errand: Errand, ledger: Store, clock: Clock) -> Job:
    """Return a job to the address, as the message would make one, or one from the actor."""
    mailbox = parse_mailbox(errand.address)
    message = await _message(errand, ledger, clock)
    now = clock.now()
    recipient = Recipient(
        id=errand.recipient_id or RecipientId(errand.id),
        message_id=message.id,
        forward_path=str(mailbox),
        domain=mailbox.domain,
        destination=mailbox.domain,
        status_since=now,
        expires_at=now,
    )
    return Job(
        lease=LeaseToken(""),
        message=message,
        destination=mailbox.domain,
        recipients=(recipient,),
        trigger=Trigger.RETRY_NOW,
    )


async def _message(errand: Errand, ledger: Store, clock: Clock) -> Message:
    if errand.message_id is not None:
        timeline = await ledger.timeline(errand.message_id, Scope())
        if timeline is not None:
            return timeline.message
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
