"""Sending a message that came back again, to another address."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from relay.clock import Clock
from relay.submission.intake import Intake
from relay.submission.services import Closed
from tracker.mailbox import MailboxError, parse_mailbox
from tracker.model import (
    Client,
    Envelope,
    EnvelopeRecipient,
    Errand,
    ErrandResult,
    Event,
    EventId,
    EventKind,
    Message,
    MessageId,
    Recipient,
    RecipientId,
    Scope,
    WholeContent,
)
from tracker.store import Ledger
from tracker.views import Timeline


class Done(NamedTuple):
    """What an errand came to, and what the timelines tell of it."""

    result: ErrandResult
    events: Sequence[Event] = ()


def failed(problem: str) -> Done:
    """Return that it could not be done."""
    return Done(ErrandResult(problem=problem))


async def send_again(
    errand: Errand, *, ledger: Ledger, intake: Intake, closed: Closed, clock: Clock
) -> Done:
    """Hand the message in once more, as a new one. Raises StoreUnavailable.

    The new message has the id of the errand: whoever takes a broken errand up sees whether it has
    been handed in already.
    """
    timeline = await _timeline(ledger, errand.message_id)
    recipient = _recipient(timeline, errand)
    if timeline is None or recipient is None:
        return failed("The message is not on record any more.")
    identifier, message = MessageId(errand.id), timeline.message
    try:
        to = _envelope_recipient(errand.address, recipient)
    except MailboxError as error:
        return failed(f"That is no address: {error}")
    if await _timeline(ledger, identifier) is None:
        if refusal := closed(to, message.account):
            return failed(refusal)
        octets = await _octets(ledger, message.id)
        if octets is None:
            return failed("It is too late: the content of the message is not kept any more.")
        await intake.take(
            identifier,
            _envelope(message, to),
            WholeContent(octets),
            Client(address="", authenticated_as=errand.actor),
            message.account,
            message.header,
            message.content_sha256,
        )
    result = ErrandResult(message_id=identifier)
    return Done(result, _events(errand, message, recipient, identifier, clock))


async def _timeline(ledger: Ledger, message_id: MessageId | None) -> Timeline | None:
    return None if message_id is None else await ledger.timeline(message_id, Scope())


def _recipient(timeline: Timeline | None, errand: Errand) -> Recipient | None:
    found = timeline.recipients if timeline is not None else ()
    return next((one for one in found if one.id == errand.recipient_id), None)


def _envelope_recipient(address: str, before: Recipient) -> EnvelopeRecipient:
    mailbox = parse_mailbox(address)
    return EnvelopeRecipient(forward_path=str(mailbox), domain=mailbox.domain, notify=before.notify)


def _envelope(message: Message, to: EnvelopeRecipient) -> Envelope:
    return Envelope(
        reverse_path=message.reverse_path,
        recipients=(to,),
        ret=message.ret,
        envid=message.envid,
        body=message.body,
        smtputf8=message.smtputf8 or not to.forward_path.isascii(),
    )


async def _octets(ledger: Ledger, message_id: MessageId) -> bytes | None:
    octets = bytearray()
    try:
        async for chunk in ledger.content(message_id):
            octets += chunk
    except KeyError:
        return None
    return bytes(octets)


def _events(
    errand: Errand, message: Message, recipient: Recipient, made: MessageId, clock: Clock
) -> list[Event]:
    """Return the two entries that link the messages both ways."""

    def event(of: MessageId, whom: RecipientId | None, detail: str, other: MessageId) -> Event:
        return Event(
            id=EventId(clock.mint()),
            message_id=of,
            recipient_id=whom,
            at=clock.now(),
            kind=EventKind.SENT_AGAIN,
            actor=errand.actor,
            detail=detail,
            related_message_id=other,
        )

    here = event(message.id, recipient.id, f"to {errand.address}", made)
    there = event(made, None, f"after it had not reached {recipient.forward_path}", message.id)
    return [here, replace(there, at=here.at)]
