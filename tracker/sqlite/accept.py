"""T1: a message becomes durable."""

import sqlite3
from datetime import datetime

from tracker.entropy import Entropy
from tracker.model import Accepted, Gate, LeaseToken, Recipient, Status, Submission, Trigger
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
from tracker.sql.rows import MESSAGE_COLUMNS, RECIPIENT_COLUMNS, Columns
from tracker.sql.values import from_notify, stamp
from tracker.sqlite.schedule import lower_next_due
from tracker.store import LeaseLost

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
    message = build_message(submission, now, _account(connection, submission))
    recipients = build_recipients(submission, now, entropy, leased=lease is not None)
    cursor = connection.execute(
        _INSERT_MESSAGE,
        (*message_columns(message), len(recipients), len(recipients), lease, lease),
    )
    if cursor.rowcount != 1:
        raise LeaseLost(f"lease {lease} is not on record")
    shared = (at, message.account, domain_of(message.account), stamp(look_at(submission)))
    connection.executemany(
        _INSERT_RECIPIENT, [(*_recipient_columns(each, lease), *shared) for each in recipients]
    )
    connection.executemany(
        _INSERT_CONTENT,
        ((message.id, n, data) for n, data in enumerate(pieces(submission.content, _CHUNK))),
    )
    if lease is None:
        lower_next_due(connection, dict.fromkeys(submission.destinations, at))
        return Accepted(id=message.id, jobs=())
    return Accepted(id=message.id, jobs=build_jobs(lease, message, recipients, submission.content))


def _account(connection: sqlite3.Connection, submission: Submission) -> str | None:
    if not inherits_account(submission):
        return submission.account
    row = connection.execute(
        "SELECT account FROM messages WHERE id = ?", (submission.reports_on,)
    ).fetchone()
    account: str | None = row[0] if row else submission.account
    return account


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
