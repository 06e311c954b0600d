"""T1: a message becomes durable."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from tracker.entropy import Entropy
from tracker.model import (
    Accepted,
    Content,
    Gate,
    LeaseToken,
    Recipient,
    Status,
    Submission,
    Trigger,
)
from tracker.sql.acceptance import (
    build_jobs,
    build_message,
    build_recipients,
    domain_of,
    inherits_account,
    look_at,
    message_columns,
    pieces,
)
from tracker.sql.rows import MESSAGE_COLUMNS, RECIPIENT_COLUMNS, Columns, width
from tracker.sql.values import from_notify, stamp
from tracker.sqlite.group import Kind
from tracker.sqlite.schedule import lower_next_due
from tracker.store import LeaseLost

_CHUNK = 256 * 1024

_INSERT_MESSAGE = f"""
INSERT INTO messages ({MESSAGE_COLUMNS}, recipients, open_recipients)
VALUES ({", ".join("?" * (width(MESSAGE_COLUMNS) + 2))})
"""

_INSERT_RECIPIENT = f"""
INSERT INTO recipients ({RECIPIENT_COLUMNS}, accepted_at, account, account_domain, look_at)
VALUES ({", ".join("?" * (width(RECIPIENT_COLUMNS) + 4))})
"""

_INSERT_CONTENT = "INSERT INTO content (message_id, n, data) VALUES (?, ?, ?)"


class Acceptance(NamedTuple):
    """A message as rows, ready to be inserted, and what its sender's client waits for."""

    lease: LeaseToken | None
    message: Columns
    recipients: Sequence[Columns]
    content: Content
    due: Mapping[str, int]
    accepted: Accepted


def prepare(
    submission: Submission,
    account: str | None,
    now: datetime,
    lease: LeaseToken | None,
    entropy: Entropy,
) -> Acceptance:
    """Make the rows of a message that is `account`'s in the record."""
    at = stamp(now)
    message = build_message(submission, now, account)
    recipients = build_recipients(submission, now, entropy, leased=lease is not None)
    shared = (lease, _ACCEPTED, "", at, account, domain_of(account), stamp(look_at(submission)))
    count = len(recipients)
    jobs = build_jobs(lease, message, recipients, submission.content) if lease else ()
    return Acceptance(
        lease=lease,
        message=(*message_columns(message), count, count),
        recipients=[(*_recipient_columns(each, at), *shared) for each in recipients],
        content=submission.content,
        due={} if lease else dict.fromkeys(submission.destinations, at),
        accepted=Accepted(id=message.id, jobs=jobs),
    )


def accept_all(
    connection: sqlite3.Connection, acceptances: Sequence[Acceptance]
) -> Sequence[Accepted]:
    """Insert messages with all that belongs to them. Raises LeaseLost."""
    for lease in {acceptance.lease for acceptance in acceptances}:
        _check_lease(connection, lease)
    connection.executemany(_INSERT_MESSAGE, [each.message for each in acceptances])
    connection.executemany(
        _INSERT_RECIPIENT, [row for each in acceptances for row in each.recipients]
    )
    connection.executemany(_INSERT_CONTENT, chain.from_iterable(map(_content_rows, acceptances)))
    due = {destination: at for each in acceptances for destination, at in each.due.items()}
    if due:
        lower_next_due(connection, due)
    return [each.accepted for each in acceptances]


def accept(
    connection: sqlite3.Connection,
    submission: Submission,
    now: datetime,
    lease: LeaseToken | None,
    entropy: Entropy,
) -> Accepted:
    """Insert a message of whoever sent what it reports on. Raises LeaseLost."""
    account = _account(connection, submission)
    return accept_all(connection, [prepare(submission, account, now, lease, entropy)])[0]


ACCEPT = Kind(accept_all, lambda connection, item: accept_all(connection, [item])[0])


def _check_lease(connection: sqlite3.Connection, lease: LeaseToken | None) -> None:
    if lease is None:
        return
    if connection.execute("SELECT 1 FROM leases WHERE token = ?", (lease,)).fetchone() is None:
        raise LeaseLost(f"lease {lease} is not on record")


def _content_rows(acceptance: Acceptance) -> Iterator[Columns]:
    """Yield the rows of the content, each when it is inserted: they may be large."""
    identifier, content = acceptance.accepted.id, acceptance.content
    if content.size <= _CHUNK:
        yield identifier, 0, b"".join(content.chunks())
        return
    for n, data in enumerate(pieces(content, _CHUNK)):
        yield identifier, n, data


def _account(connection: sqlite3.Connection, submission: Submission) -> str | None:
    if not inherits_account(submission):
        return submission.account
    row = connection.execute(
        "SELECT account FROM messages WHERE id = ?", (submission.reports_on,)
    ).fetchone()
    account: str | None = row[0] if row else submission.account
    return account


def _recipient_columns(recipient: Recipient, at: int) -> Columns:
    """Return RECIPIENT_COLUMNS but for the last three, which are the same for all."""
    return (
        recipient.id,
        recipient.message_id,
        recipient.forward_path,
        recipient.domain,
        recipient.destination,
        from_notify(recipient.notify),
        recipient.orcpt,
        _QUEUED,
        at,
        0,
        at,
        stamp(recipient.expires_at),
        _NO_GATE,
        "",
        None,
        "",
    )


_QUEUED = Status.QUEUED.value
_NO_GATE = Gate.NONE.value
_ACCEPTED = Trigger.ACCEPTED.value
