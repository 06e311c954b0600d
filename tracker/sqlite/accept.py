"""T1: a message becomes durable."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime

from tracker.model import (
    Accepted,
    Content,
    Gate,
    Job,
    LeaseToken,
    Message,
    MessageKind,
    Recipient,
    RecipientId,
    Status,
    Submission,
    Trigger,
    new_id,
)
from tracker.sql.rows import MESSAGE_COLUMNS, RECIPIENT_COLUMNS, Columns
from tracker.sql.values import from_notify, stamp, well_formed
from tracker.sqlite.schedule import lower_next_due
from tracker.store import LeaseLost

Entropy = Callable[[int], bytes]
"""Returns so many random bytes, as `os.urandom` does."""

_CHUNK = 256 * 1024

# The lease is checked by the statement that inserts: no row, no lease.
_INSERT_MESSAGE = f"""
INSERT INTO messages ({MESSAGE_COLUMNS}, recipients, open_recipients)
SELECT ?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?
WHERE ? IS NULL OR EXISTS (SELECT 1 FROM leases WHERE token = ?)
"""

_INSERT_RECIPIENT = f"""
INSERT INTO recipients ({RECIPIENT_COLUMNS}, accepted_at, account, account_domain, look_at)
VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
"""

_INSERT_CONTENT = "INSERT INTO content (message_id, n, data) VALUES (?, ?, ?)"


def accept(
    connection: sqlite3.Connection,
    submission: Submission,
    now: datetime,
    lease: LeaseToken | None,
    entropy: Entropy,
) -> Accepted:
    """Insert a message with all that belongs to it. Raises LeaseLost."""
    at = stamp(now)
    message = _message(submission, now, _account(connection, submission))
    recipients = _recipients(submission, now, entropy, leased=lease is not None)
    cursor = connection.execute(
        _INSERT_MESSAGE,
        (*_message_columns(message), len(recipients), len(recipients), lease, lease),
    )
    if cursor.rowcount != 1:
        raise LeaseLost(f"lease {lease} is not on record")
    look_at = stamp(submission.notice_at or submission.expires_at)
    shared = (at, message.account, message.account and message.account.rpartition("@")[2], look_at)
    connection.executemany(
        _INSERT_RECIPIENT, [(*_recipient_columns(each, lease), *shared) for each in recipients]
    )
    connection.executemany(
        _INSERT_CONTENT,
        ((message.id, n, data) for n, data in enumerate(_chunks(submission.content))),
    )
    if lease is None:
        lower_next_due(connection, dict.fromkeys(submission.destinations, at))
        return Accepted(id=message.id, jobs=())
    return Accepted(id=message.id, jobs=_jobs(lease, message, recipients, submission.content))


def _account(connection: sqlite3.Connection, submission: Submission) -> str | None:
    """A DSN belongs to whoever sent what it reports on, so that the timeline is theirs to see."""
    if submission.kind is not MessageKind.DSN or submission.reports_on is None:
        return submission.account
    row = connection.execute(
        "SELECT account FROM messages WHERE id = ?", (submission.reports_on,)
    ).fetchone()
    account: str | None = row[0] if row else submission.account
    return account


def _message(submission: Submission, now: datetime, account: str | None) -> Message:
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
        reports_on=submission.reports_on,
    )


def _recipients(
    submission: Submission, now: datetime, entropy: Entropy, *, leased: bool
) -> list[Recipient]:
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


def _message_columns(message: Message) -> Columns:
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
        message.reports_on,
    )


def _recipient_columns(recipient: Recipient, lease: LeaseToken | None) -> Columns:
    now = stamp(recipient.status_since)
    return (
        recipient.id,
        recipient.message_id,
        recipient.forward_path,
        recipient.domain,
        recipient.destination,
        from_notify(recipient.notify),
        recipient.orcpt,
        _QUEUED,
        now,
        0,
        now,
        stamp(recipient.expires_at),
        _NO_GATE,
        "",
        None,
        lease,
        _ACCEPTED,
    )


_QUEUED = Status.QUEUED.value
_NO_GATE = Gate.NONE.value
_ACCEPTED = Trigger.ACCEPTED.value


def _jobs(
    lease: LeaseToken, message: Message, recipients: list[Recipient], content: Content
) -> tuple[Job, ...]:
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
        )
        for destination, together in by_destination.items()
    )


def _chunks(content: Content) -> Iterator[bytes]:
    """Yield the content in rows of _CHUNK bytes; empty content is one empty row."""
    gathered = bytearray()
    is_empty = True
    for piece in content.chunks():
        gathered += piece
        while len(gathered) >= _CHUNK:
            yield bytes(gathered[:_CHUNK])
            del gathered[:_CHUNK]
            is_empty = False
    if gathered or is_empty:
        yield bytes(gathered)
