"""T3: what a delivery changes, all at once; and giving recipients back untried."""

import sqlite3
from collections.abc import Mapping, Sequence

from tracker import states
from tracker.entropy import Entropy
from tracker.model import (
    DestinationChange,
    LeaseToken,
    Postponement,
    RecipientChange,
    RecipientId,
    Settlement,
    Status,
    Trigger,
)
from tracker.sql.rows import INSERT_ATTEMPT, INSERT_EVENT, attempt_columns, event_columns
from tracker.sql.settlement import is_waiting, last_attempts
from tracker.sql.values import stamp, well_formed
from tracker.sqlite.accept import accept
from tracker.sqlite.schedule import earliest, lower_next_due
from tracker.store import LeaseLost


def _change_statement(after: Status) -> str:
    """The state table is part of the statement: no row, then either the lease or the arrow."""
    before = ", ".join(f"'{status}'" for status in Status if after in states.ARROWS[status])
    return f"""
UPDATE recipients SET lease = NULL, status = '{after}',
    status_since = CASE WHEN status = '{after}' THEN status_since ELSE ? END,
    attempts = ?, next_attempt_at = ?, gate = ?, gate_detail = ?,
    delay_dsn_at = coalesce(?, delay_dsn_at), last_attempt_id = coalesce(?, last_attempt_id),
    "trigger" = coalesce(?, "trigger")
WHERE id = ? AND lease = ? AND message_id = ? AND status IN ({before})
RETURNING destination
"""


_CHANGE = {status: _change_statement(status) for status in Status}

_POSTPONE = """
UPDATE recipients SET lease = NULL, next_attempt_at = ?, gate = ?, gate_detail = ?
WHERE id = ? AND lease = ? RETURNING destination
"""

_NOTE_DESTINATION = """
INSERT INTO destinations (destination, reachable, failures, since, next_probe_at, detail,
                          last_success_at, last_failure_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (destination) DO UPDATE SET
    since = CASE WHEN reachable = excluded.reachable THEN coalesce(since, excluded.since)
                 ELSE excluded.since END,
    reachable = excluded.reachable,
    failures = excluded.failures,
    next_probe_at = excluded.next_probe_at,
    detail = excluded.detail,
    last_success_at = coalesce(excluded.last_success_at, last_success_at),
    last_failure_at = coalesce(excluded.last_failure_at, last_failure_at),
    -- Still a lower bound: of all that waits when it is reachable again, of the probe else.
    next_due_at = CASE
        WHEN excluded.reachable AND NOT reachable THEN
            (SELECT min(next_attempt_at) FROM recipients AS waiting
             WHERE waiting.destination = excluded.destination
               AND waiting.lease IS NULL AND waiting.next_attempt_at IS NOT NULL)
        WHEN excluded.reachable THEN next_due_at
        ELSE min(next_due_at, coalesce(excluded.next_probe_at, next_due_at)) END
"""


def settle(connection: sqlite3.Connection, settlement: Settlement, entropy: Entropy) -> None:
    """Write a settlement. Raises LeaseLost, IllegalChange; ValueError when it is incoherent."""
    attempts = last_attempts(settlement)
    due: list[tuple[str, int]] = []
    for change in settlement.changes:
        destination = _change(connection, settlement, change, attempts)
        if change.next_attempt_at is not None:
            due.append((destination, stamp(change.next_attempt_at)))
    connection.executemany(INSERT_ATTEMPT, map(attempt_columns, settlement.attempts))
    if settlement.events:
        connection.executemany(INSERT_EVENT, map(event_columns, settlement.events))
    if settlement.destination is not None:
        _note_destination(connection, settlement.destination)
    if due:
        lower_next_due(connection, earliest(due))
    for report in settlement.reports:
        accept(connection, report, settlement.changes[-1].at, None, entropy)


def _change(
    connection: sqlite3.Connection,
    settlement: Settlement,
    change: RecipientChange,
    attempts: Mapping[RecipientId, str],
) -> str:
    """Change one recipient and return its destination."""
    rows = connection.execute(
        _CHANGE[change.status],
        (
            stamp(change.at),
            change.attempts,
            stamp(change.next_attempt_at),
            change.gate.value,
            well_formed(change.gate_detail),
            stamp(change.delay_dsn_at),
            attempts.get(change.recipient_id),
            _SCHEDULE if is_waiting(change.status) else None,
            change.recipient_id,
            settlement.lease,
            settlement.message_id,
        ),
    ).fetchall()
    if not rows:
        raise _refusal(connection, settlement, change)
    destination: str = rows[0][0]
    return destination


_SCHEDULE = Trigger.SCHEDULE.value


def _refusal(
    connection: sqlite3.Connection, settlement: Settlement, change: RecipientChange
) -> Exception:
    row = connection.execute(
        "SELECT status FROM recipients WHERE id = ? AND lease = ? AND message_id = ?",
        (change.recipient_id, settlement.lease, settlement.message_id),
    ).fetchone()
    if row is None:
        return LeaseLost(f"lease {settlement.lease} does not hold {change.recipient_id}")
    return states.IllegalChange(Status(row[0]), change.status)


def _note_destination(connection: sqlite3.Connection, change: DestinationChange) -> None:
    at = stamp(change.at)
    connection.execute(
        _NOTE_DESTINATION,
        (
            change.destination,
            change.reachable,
            change.failures,
            at,
            stamp(change.next_probe_at),
            well_formed(change.detail),
            at if change.reachable else None,
            None if change.reachable else at,
        ),
    )


def postpone(
    connection: sqlite3.Connection,
    lease: LeaseToken,
    recipients: Sequence[RecipientId],
    why: Postponement,
) -> None:
    """Give recipients back until `why.until`. Raises LeaseLost."""
    until, detail = stamp(why.until), well_formed(why.detail)
    due: dict[str, int] = {}
    for recipient_id in recipients:
        rows = connection.execute(
            _POSTPONE, (until, why.gate.value, detail, recipient_id, lease)
        ).fetchall()
        if not rows:
            raise LeaseLost(f"lease {lease} does not hold {recipient_id}")
        due[rows[0][0]] = until
    lower_next_due(connection, due)
