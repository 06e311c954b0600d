"""What must hold in a ledger's tables at any time, whatever happened to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.postgres import Server

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
        AND NOT (open_recipients = 0 AND id IN (SELECT message_id FROM refused))
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


_OPEN_OR_OVER = """
    (SELECT id, message_id, attempts, last_attempt_id FROM queue UNION ALL
     SELECT recipient_id, NULL, attempts, last_attempt_id FROM results)
"""

_DAY = 86_400_000_000

# Each selects one column of text: what is wrong where.
_POSTGRES_VIOLATIONS = {
    "a recipient that is neither open nor over, or both": """
        SELECT r.id FROM recipients AS r
        WHERE (r.id IN (SELECT id FROM queue)) = (r.id IN (SELECT recipient_id FROM results))
    """,
    "a message that miscounts its recipients": """
        SELECT m.id FROM messages AS m LEFT JOIN recipients AS r ON r.message_id = m.id
        GROUP BY m.id HAVING m.recipients <> count(r.id)
    """,
    "a message that miscounts its open recipients": """
        SELECT coalesce(c.message_id, n.message_id) FROM open_counts AS c FULL JOIN (
            SELECT q.message_id, count(*) AS open_recipients
            FROM queue AS q JOIN messages AS m ON m.id = q.message_id AND m.recipients > 1
            GROUP BY q.message_id
        ) AS n USING (message_id, open_recipients)
        WHERE c.message_id IS NULL OR n.message_id IS NULL
    """,
    "content without an open recipient, or the reverse": """
        SELECT message_id FROM content WHERE message_id NOT IN (SELECT message_id FROM queue)
        AND message_id NOT IN (SELECT message_id FROM refused)
        UNION SELECT message_id FROM queue WHERE message_id NOT IN (SELECT message_id FROM content)
    """,
    "content of another length": """
        SELECT m.id FROM messages AS m JOIN content AS c ON c.message_id = m.id
        GROUP BY m.id HAVING m.size <> sum(length(c.data)) OR max(c.n) <> count(*) - 1
    """,
    "a recipient that nobody would ever claim": """
        SELECT q.id FROM queue AS q LEFT JOIN destinations AS d USING (destination)
        WHERE q.lease IS NULL AND q.next_attempt_at IS NOT NULL
            AND d.next_due_at IS NULL AND d.recheck_at IS NULL
    """,
    "a lease that is held but not on record": """
        SELECT id FROM queue
        WHERE lease IS NOT NULL AND lease NOT IN (SELECT token FROM leases)
    """,
    "an attempt, an event, a result or a recipient of nobody": f"""
        SELECT id FROM attempts WHERE recipient_id NOT IN (SELECT id FROM recipients)
        UNION ALL SELECT id FROM events WHERE message_id NOT IN (SELECT id FROM messages)
        UNION ALL SELECT id FROM events
            WHERE recipient_id IS NOT NULL AND recipient_id NOT IN (SELECT id FROM recipients)
        UNION ALL SELECT id FROM recipients WHERE message_id NOT IN (SELECT id FROM messages)
        UNION ALL SELECT id FROM {_OPEN_OR_OVER} AS o WHERE id NOT IN (SELECT id FROM recipients)
    """,
    "a recipient that says in two places whose it is": """
        SELECT q.id FROM queue AS q JOIN recipients AS r USING (id) WHERE
        (q.message_id, q.accepted_at, q.account, q.account_domain, q.destination, q.expires_at)
        IS DISTINCT FROM
        (r.message_id, r.accepted_at, r.account, r.account_domain, r.destination, r.expires_at)
        UNION ALL
        SELECT r.id FROM results AS s JOIN recipients AS r ON r.id = s.recipient_id WHERE
        (s.accepted_at, s.account, s.account_domain)
        IS DISTINCT FROM (r.accepted_at, r.account, r.account_domain)
    """,
    "a last attempt that is not the last": f"""
        SELECT o.id FROM {_OPEN_OR_OVER} AS o JOIN attempts AS a ON a.recipient_id = o.id
        GROUP BY o.id
        HAVING max(a.number) IS DISTINCT FROM
            max(a.number) FILTER (WHERE a.id = o.last_attempt_id)
    """,
    # What was pruned stays counted, so of what is over there may be less than was counted.
    "a day that miscounts its open recipients": f"""
        SELECT 'day ' || coalesce(t.day, q.day) FROM (
            SELECT day, sum(accepted - delivered - bounced - expired - cancelled)::bigint AS n
            FROM tallies GROUP BY day
        ) AS t FULL JOIN (
            SELECT accepted_at / {_DAY} AS day, count(*) AS n FROM queue GROUP BY 1
        ) AS q USING (day)
        WHERE coalesce(t.n, 0) <> coalesce(q.n, 0)
    """,
    "a day that counts less than there is": f"""
        SELECT 'day ' || coalesce(t.day, s.day) FROM (
            SELECT day, sum(accepted) AS accepted, sum(delivered) AS delivered,
                   sum(bounced) AS bounced, sum(expired) AS expired, sum(cancelled) AS cancelled
            FROM tallies GROUP BY day
        ) AS t FULL JOIN (
            SELECT r.accepted_at / {_DAY} AS day, count(*) AS accepted,
                   count(*) FILTER (WHERE s.status = 'delivered') AS delivered,
                   count(*) FILTER (WHERE s.status = 'bounced') AS bounced,
                   count(*) FILTER (WHERE s.status = 'expired') AS expired,
                   count(*) FILTER (WHERE s.status = 'cancelled') AS cancelled
            FROM recipients AS r LEFT JOIN results AS s ON s.recipient_id = r.id GROUP BY 1
        ) AS s USING (day)
        WHERE t.day IS NULL OR t.accepted < s.accepted OR t.delivered < s.delivered
           OR t.bounced < s.bounced OR t.expired < s.expired OR t.cancelled < s.cancelled
    """,
}


def check_postgres(server: Server, database: str) -> None:
    """Look through a PostgreSQL ledger that nobody changes."""
    selects = [
        f"SELECT '{what}', where_ FROM ({sql}) AS found (where_)"
        for what, sql in _POSTGRES_VIOLATIONS.items()
    ]
    found = server.query(" UNION ALL ".join(selects), database)
    assert found == [], found
