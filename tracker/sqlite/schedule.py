"""What every step does to the rows that schedule and to those that count."""

# ruff: noqa: S608 - put together of our own names; every value is a parameter

import sqlite3
from collections.abc import Iterable, Mapping

from tracker.model import Status

_LOWER_NEXT_DUE = """
INSERT INTO destinations (destination, next_due_at) VALUES (?, ?)
ON CONFLICT (destination) DO UPDATE SET next_due_at = excluded.next_due_at
WHERE next_due_at IS NULL OR next_due_at > excluded.next_due_at
"""

_COUNT_ACCEPTED = """
INSERT INTO days (day, accepted) VALUES (?, ?)
ON CONFLICT (day) DO UPDATE SET accepted = accepted + excluded.accepted
"""

_COUNT_FINAL = {
    status: f"UPDATE days SET {status} = {status} + ? WHERE day = ?"
    for status in (Status.DELIVERED, Status.BOUNCED, Status.EXPIRED, Status.CANCELLED)
}

_CLOSE_RECIPIENTS = """
UPDATE messages SET open_recipients = open_recipients - ? WHERE id = ? RETURNING open_recipients
"""


def lower_next_due(connection: sqlite3.Connection, due: Mapping[str, int]) -> None:
    """Note that a recipient of each destination becomes due at the stamp given."""
    connection.executemany(_LOWER_NEXT_DUE, due.items())


def earliest(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the lowest stamp for each destination."""
    due: dict[str, int] = {}
    for destination, at in pairs:
        if destination not in due or at < due[destination]:
            due[destination] = at
    return due


def count_accepted(connection: sqlite3.Connection, day: int, recipients: int) -> None:
    """Count recipients as accepted on `day`."""
    connection.execute(_COUNT_ACCEPTED, (day, recipients))


def count_final(connection: sqlite3.Connection, finals: Mapping[tuple[int, Status], int]) -> None:
    """Count recipients that became final, by the day of their acceptance."""
    for (day, status), recipients in finals.items():
        connection.execute(_COUNT_FINAL[status], (recipients, day))


def close_recipients(connection: sqlite3.Connection, message_id: str, recipients: int) -> None:
    """Note that so many recipients became final; drop the content behind the last one."""
    cursor = connection.execute(_CLOSE_RECIPIENTS, (recipients, message_id))
    if cursor.fetchall() == [(0,)]:
        connection.execute("DELETE FROM content WHERE message_id = ?", (message_id,))
