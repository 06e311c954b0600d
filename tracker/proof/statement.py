"""What the record knows of a handover, in the words that are signed. Pure.

The other server's final reply is where responsibility passes on (RFC 5321 6.1): that is what a
handover certificate is about. What happens behind that server, no sender can know.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec

from tracker.model import (
    Attempt,
    Message,
    Outcome,
    Recipient,
    Status,
    TargetTry,
    TlsFacts,
    Verification,
)
from tracker.views import Timeline

FORMAT: Final = "sendtrace-handover-1"
"""Names the meaning of the fields; another meaning gets another number."""

CAVEAT: Final = (
    "The receiving server took the message over. In which folder it was put, or whether anybody "
    "has read it, is not known to the sender's side."
)


class NoHandover(ValueError):
    """No server has taken the message for this recipient; the text says where it stands."""


class MessageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The message as it was accepted from its sender."""

    id: str
    accepted_at: str
    reverse_path: str
    message_id: str
    envid: str
    size: int
    """Bytes."""
    sha256: str
    """Of the content as it was sent, before dot-stuffing; "" when it is not on record."""


class RecipientFacts(msgspec.Struct, frozen=True, kw_only=True):
    """For whom."""

    forward_path: str
    orcpt: str


class Encryption(msgspec.Struct, frozen=True, kw_only=True):
    """The TLS session in which it was handed over."""

    version: str
    cipher: str
    verified_by: str
    peer_names: tuple[str, ...]
    issuer: str
    not_after: str


class ServerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The server that took it, and how it was spoken to."""

    host: str
    address: str
    port: int
    source_address: str
    ehlo_name: str
    tls_policy: str
    tls: Encryption | None


class ReplyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Its last word."""

    code: int
    enhanced_status_code: str
    text: str
    queue_id: str
    """Its own name for the message."""
    dsn_handed_on: bool


class AttemptFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Our side of it."""

    number: int
    started_at: str
    ended_at: str
    node: str
    config_revision: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One handover. Times are UTC in the form of RFC 3339; what is unknown is empty."""

    format: str
    issued_by: str
    """Host name of the relay."""
    issued_at: str
    software: str
    message: MessageFacts
    recipient: RecipientFacts
    attempt: AttemptFacts
    server: ServerFacts
    reply: ReplyFacts
    caveat: str


def state(
    timeline: Timeline, recipient: Recipient, *, issued_by: str, software: str, now: datetime
) -> Statement:
    """Return what can be certified of `recipient`. Raises NoHandover."""
    attempt = _handover(timeline, recipient)
    return Statement(
        format=FORMAT,
        issued_by=issued_by,
        issued_at=_time(now),
        software=software,
        message=_message(timeline.message),
        recipient=RecipientFacts(forward_path=recipient.forward_path, orcpt=recipient.orcpt or ""),
        attempt=AttemptFacts(
            number=attempt.number,
            started_at=_time(attempt.started_at),
            ended_at=_time(attempt.ended_at),
            node=attempt.node,
            config_revision=attempt.config_revision,
        ),
        server=_server(attempt),
        reply=_reply(attempt),
        caveat=CAVEAT,
    )


def _handover(timeline: Timeline, recipient: Recipient) -> Attempt:
    for attempt in reversed(timeline.attempts):
        if attempt.recipient_id == recipient.id and attempt.outcome is Outcome.DELIVERED:
            return attempt
    where = (
        "the attempt that delivered it is no longer kept"
        if recipient.status is Status.DELIVERED
        else f"no server has taken it; it is {recipient.status}"
    )
    raise NoHandover(f"There is no handover of {recipient.forward_path} to certify: {where}.")


def _message(message: Message) -> MessageFacts:
    return MessageFacts(
        id=message.id,
        accepted_at=_time(message.accepted_at),
        reverse_path=message.reverse_path,
        message_id=message.header.message_id,
        envid=message.envid or "",
        size=message.size,
        sha256=message.content_sha256,
    )


def _server(attempt: Attempt) -> ServerFacts:
    target, contact = attempt.target, _contact(attempt)
    return ServerFacts(
        host=target.host if target else attempt.destination,
        address=target.address if target else "",
        port=target.port if target else 0,
        source_address=(contact and contact.source_address) or "",
        ehlo_name=(contact and contact.ehlo_name) or "",
        tls_policy=contact.tls_policy if contact else "",
        tls=_encryption(contact.tls) if contact and contact.tls else None,
    )


def _contact(attempt: Attempt) -> TargetTry | None:
    """Return the try that decided the attempt."""
    tried = (one for one in reversed(attempt.tries) if one.target == attempt.target)
    return next((one for one in tried if not one.skipped), None)


def _encryption(tls: TlsFacts) -> Encryption:
    words = {
        Verification.NONE: "not verified",
        Verification.PKIX: "verified by a certificate authority (PKIX)",
        Verification.DANE: "verified by DANE",
    }
    return Encryption(
        version=tls.version,
        cipher=tls.cipher,
        verified_by=words[tls.verified_by],
        peer_names=tls.peer_names,
        issuer=tls.issuer or "",
        not_after=tls.not_after or "",
    )


def _reply(attempt: Attempt) -> ReplyFacts:
    reply = attempt.reply
    return ReplyFacts(
        code=reply.code if reply else 0,
        enhanced_status_code=(reply and reply.enhanced_status_code) or "",
        text=reply.text if reply else "",
        queue_id=attempt.remote_queue_id or "",
        dsn_handed_on=attempt.dsn_handed_on,
    )


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
