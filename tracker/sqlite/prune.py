"""Forgetting what is older than the retention, a little at a time."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from tracker.sql.conditions import Statement
from tracker.sql.values import json_list, last_id, stamp

# Along the recipients' ids, which carry the time of acceptance: no index of its own needed.
_OLD = """
SELECT DISTINCT id FROM (
    SELECT m.id FROM recipients AS r CROSS JOIN messages AS m ON m.id = r.message_id
    WHERE r.id < ? AND m.accepted_at < ? AND m.open_recipients = 0 ORDER BY r.id LIMIT ?
)
"""

# The same rows by every way by which they are dropped: the pages are in memory then.
READ_AHEAD = """
SELECT count(*), max(a.ended_at), max(b.status), max(c.status), max(d.status) FROM (
    SELECT r.id, r.message_id, r.account, r.account_domain
    FROM recipients AS r CROSS JOIN messages AS m ON m.id = r.message_id
    WHERE r.id < ? AND m.accepted_at < ? AND m.open_recipients = 0 ORDER BY r.id LIMIT ?
) AS r
LEFT JOIN attempts AS a ON a.recipient_id = r.id
LEFT JOIN recipients AS b INDEXED BY recipients_by_message
    ON b.message_id = r.message_id AND b.id = r.id
LEFT JOIN recipients AS c INDEXED BY recipients_by_account ON c.account = r.account AND c.id = r.id
LEFT JOIN recipients AS d INDEXED BY recipients_by_account_domain
    ON d.account_domain = r.account_domain AND d.id = r.id
"""

_DROP = (
    "DELETE FROM attempts WHERE recipient_id IN (SELECT id FROM recipients WHERE message_id IN"
    " (SELECT value FROM json_each(?)))",
    "DELETE FROM events WHERE message_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM content WHERE message_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM recipients WHERE message_id IN (SELECT value FROM json_each(?))",
    "DELETE FROM messages WHERE id IN (SELECT value FROM json_each(?))",
)

_DROP_DESTINATIONS = """
DELETE FROM destinations WHERE destination IN (
    SELECT destination FROM destinations
    WHERE next_due_at IS NULL
      AND max(coalesce(last_success_at, 0), coalesce(last_failure_at, 0)) < ?
    LIMIT ?
)
"""


def read_ahead(before: datetime, limit: int) -> Statement:
    """Read what `prune` drops next, so that it needs not wait for the disk in its turn."""
    return Statement(READ_AHEAD, (last_id(before), stamp(before), limit))


def prune(connection: sqlite3.Connection, before: datetime, limit: int) -> int:
    """Drop at most `limit` messages; behind the last one, destinations not heard of since."""
    at = stamp(before)
    rows = connection.execute(_OLD, (last_id(before), at, limit)).fetchall()
    dropped = drop(connection, [row[0] for row in rows])
    if not rows:
        connection.execute(_DROP_DESTINATIONS, (at, limit))
    return dropped


def drop(connection: sqlite3.Connection, messages: Sequence[str]) -> int:
    """Drop messages with all that belongs to them; return how many."""
    ids = json_list(messages)
    for statement in _DROP if messages else ():
        connection.execute(statement, (ids,))
    return len(messages)
