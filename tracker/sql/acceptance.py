"""What `accept` makes of a submission: the message, its recipients, the jobs, the pieces."""

from collections.abc import Iterator
from datetime import datetime

from tracker.entropy import Entropy
from tracker.model import (
    Content,
    Job,
    LeaseToken,
    Message,
    MessageKind,
    Recipient,
    RecipientId,
    Submission,
    Trigger,
    new_id,
)
from tracker.sql.rows import Columns
from tracker.sql.values import stamp, well_formed


def inherits_account(submission: Submission) -> bool:
    """Say whether a message belongs to whoever sent what it reports on.

    So does a DSN, that its timeline may be seen by those who have a reason to.
    """
    return submission.kind is MessageKind.DSN and submission.reports_on is not None


def domain_of(account: str | None) -> str | None:
    """Return the domain whose admins look after an account."""
    return account and account.rpartition("@")[2]


def look_at(submission: Submission) -> datetime:
    """Return when a recipient has to be looked at although its destination is unreachable."""
    return submission.notice_at or submission.expires_at


def build_message(submission: Submission, now: datetime, account: str | None) -> Message:
    """Return the message that `submission` becomes."""
    envelope = submission.envelope
    return Message(
        id=submission.id,
        kind=submission.kind,
        accepted_at=now,
        account=account,
        reverse_path=envelope.reverse_path,
        client=submission.client,
        size=submission.content.size,
        header=submission.header,
        ret=envelope.ret,
        envid=envelope.envid,
        body=envelope.body,
        smtputf8=envelope.smtputf8,
        content_sha256=submission.content_sha256,
        reports_on=submission.reports_on,
    )


def build_recipients(
    submission: Submission, now: datetime, entropy: Entropy, *, leased: bool
) -> list[Recipient]:
    """Return the recipients of `submission`, their ids in the order of its envelope."""
    envelope = submission.envelope.recipients
    octets = entropy(8 * len(envelope))
    # Sorted, so that a message's recipients keep the order of its envelope.
    draws = sorted(octets[start : start + 8] for start in range(0, len(octets), 8))
    return [
        Recipient(
            id=RecipientId(new_id(now, draw)),
            message_id=submission.id,
            forward_path=path.forward_path,
            domain=path.domain,
            destination=destination,
            notify=path.notify,
            orcpt=path.orcpt,
            status_since=now,
            next_attempt_at=now,
            expires_at=submission.expires_at,
            leased=leased,
        )
        for path, destination, draw in zip(envelope, submission.destinations, draws, strict=True)
    ]


def message_columns(message: Message) -> Columns:
    """Return MESSAGE_COLUMNS."""
    client, header = message.client, message.header
    return (
        message.id,
        message.kind.value,
        stamp(message.accepted_at),
        message.account,
        message.reverse_path,
        client.address,
        client.port,
        well_formed(client.helo),
        client.protocol,
        client.tls,
        client.authenticated_as,
        message.size,
        well_formed(header.subject),
        well_formed(header.message_id),
        well_formed(header.header_from),
        well_formed(header.date),
        None if message.ret is None else message.ret.value,
        message.envid,
        message.body.value,
        message.smtputf8,
        message.content_sha256,
        message.reports_on,
    )


def build_jobs(
    lease: LeaseToken, message: Message, recipients: list[Recipient], content: Content
) -> tuple[Job, ...]:
    """Return a job for each destination."""
    by_destination: dict[str, list[Recipient]] = {}
    for recipient in recipients:
        by_destination.setdefault(recipient.destination, []).append(recipient)
    return tuple(
        Job(
            lease=lease,
            message=message,
            destination=destination,
            recipients=tuple(together),
            trigger=Trigger.ACCEPTED,
            content=content,
            is_fresh=True,
        )
        for destination, together in by_destination.items()
    )


def pieces(content: Content, length: int) -> Iterator[bytes]:
    """Yield the content in pieces of `length` bytes; empty content is one empty piece.

    A chunk that is a piece goes on without a copy of it.
    """
    held, is_empty = b"", True
    for chunk in content.chunks():
        octets = held + chunk if held else chunk
        end = len(octets) - len(octets) % length
        for start in range(0, end, length):
            yield octets[start : start + length]
            is_empty = False
        held = octets[end:]
    if held or is_empty:
        yield held
