"""What must hold in a ledger's tables at any time, whatever happened to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

_OPEN = "('queued', 'deferred', 'held')"

_VIOLATIONS = {
    "a message that miscounts its recipients": f"""
        SELECT m.id FROM messages AS m LEFT JOIN recipients AS r ON r.message_id = m.id
        GROUP BY m.id HAVING m.recipients <> count(r.id)
        OR m.open_recipients <> count(iif(r.status IN {_OPEN}, 1, NULL))
    """,
    "content without an open recipient, or the reverse": """
        SELECT id FROM messages
        WHERE (open_recipients > 0) <> (id IN (SELECT message_id FROM content))
    """,
    "content of another length": """
        SELECT m.id FROM messages AS m JOIN content AS c ON c.message_id = m.id
        GROUP BY m.id HAVING m.size <> sum(length(c.data))
    """,
    "a recipient that nobody would ever claim": """
        SELECT r.id FROM recipients AS r LEFT JOIN destinations AS d USING (destination)
        WHERE r.lease IS NULL AND r.next_attempt_at IS NOT NULL AND d.next_due_at IS NULL
    """,
    "a lease that is held but not on record": """
        SELECT id FROM recipients
        WHERE lease IS NOT NULL AND lease NOT IN (SELECT token FROM leases)
    """,
    "an attempt, an event or a recipient of no message": """
        SELECT id FROM attempts WHERE recipient_id NOT IN (SELECT id FROM recipients)
        UNION ALL SELECT id FROM events WHERE message_id NOT IN (SELECT id FROM messages)
        UNION ALL SELECT id FROM recipients WHERE message_id NOT IN (SELECT id FROM messages)
    """,
    "a last attempt that is not the last": """
        SELECT r.id FROM recipients AS r JOIN attempts AS a ON a.recipient_id = r.id
        GROUP BY r.id HAVING max(a.number) <> max(iif(a.id = r.last_attempt_id, a.number, 0))
    """,
}


def check_sqlite(path: Path) -> None:
    """Look through a SQLite ledger that nobody has open."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'days'").fetchone():
            found = {what: connection.execute(sql).fetchall() for what, sql in _VIOLATIONS.items()}
            assert {what: rows for what, rows in found.items() if rows} == {}
