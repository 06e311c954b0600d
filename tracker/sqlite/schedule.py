"""When a destination must be looked at again."""

import sqlite3
from collections.abc import Iterable, Mapping

_LOWER_NEXT_DUE = """
INSERT INTO destinations (destination, next_due_at) VALUES (?, ?)
ON CONFLICT (destination) DO UPDATE SET next_due_at = excluded.next_due_at
WHERE next_due_at IS NULL OR next_due_at > excluded.next_due_at
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
