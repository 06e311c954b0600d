"""Forgetting what is older than the retention, a little at a time."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from tracker.sql.values import json_list, last_id, stamp

# Along the recipients' ids, which carry the time of acceptance: no index of its own needed.
_OLD = """
SELECT DISTINCT id FROM (
    SELECT m.id FROM recipients AS r CROSS JOIN messages AS m ON m.id = r.message_id
    WHERE r.id < ? AND m.accepted_at < ? AND m.open_recipients = 0 ORDER BY r.id LIMIT ?
)
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
