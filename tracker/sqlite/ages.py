"""`Ages`."""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial

from tracker.ages import Aging, Walk
from tracker.sql.ages import chosen, message_changes, stripped
from tracker.sql.values import first_id, json_list, well_formed
from tracker.sqlite.part import Part
from tracker.sqlite.prune import drop
from tracker.sqlite.text.forget import mark_messages_to_forget

_NEXT = """
SELECT id, account FROM messages
WHERE id > coalesce((SELECT last_id FROM walks WHERE name = ?), '') AND id < ?
ORDER BY id LIMIT ?
"""

_REACHED = "SELECT coalesce(max(last_id), '') FROM walks WHERE name = ?"

_GOT_TO = """
INSERT INTO walks (name, last_id) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET last_id = excluded.last_id
"""

_ATTEMPTS = """
SELECT a.rowid, a.reply, a.tries FROM recipients AS r
JOIN attempts AS a ON a.recipient_id = r.id
WHERE r.message_id IN (SELECT value FROM json_each(?))
"""

_STRIP = "UPDATE attempts SET reply_text = ?, reply = ?, tries = ? WHERE rowid = ?"

_OVER = """
SELECT DISTINCT id FROM (
    SELECT m.id FROM recipients AS r CROSS JOIN messages AS m ON m.id = r.message_id
    WHERE r.account_domain = ? AND r.id < ? AND m.id < ? AND m.open_recipients = 0
    ORDER BY r.id LIMIT ?
)
"""


class Forgetting(Part):
    """Parts that go before the record, and domains whose record goes early."""

    async def forget_parts(self, walk: Walk, before: datetime, limit: int) -> int:
        end = first_id(before)
        return await self._portions.run(
            walk.name, limit, lambda connection, size: _forget_parts(connection, walk, end, size)
        )

    async def prune_domains(self, domains: Collection[str], before: datetime, limit: int) -> int:
        for domain in sorted(domains):
            step = partial(_prune, domain=domain, end=first_id(before))
            if dropped := await self._portions.run("prune_domains", limit, step):
                return dropped
        return 0


def _forget_parts(connection: sqlite3.Connection, walk: Walk, end: str, limit: int) -> int:
    rows = connection.execute(_NEXT, (walk.name, end, limit)).fetchall()
    if not rows:
        return 0
    if ids := chosen(walk, rows):
        if changes := message_changes(walk.parts):
            sql = f"UPDATE messages SET {changes} WHERE id IN (SELECT value FROM json_each(?))"
            connection.execute(sql, (json_list(ids),))
        if Aging.REPLIES in walk.parts:
            strip_attempts(connection, ids)
    connection.execute(_GOT_TO, (walk.name, rows[-1][0]))
    return len(rows)


def strip_attempts(connection: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Take the words out of all attempts of messages."""
    rows = connection.execute(_ATTEMPTS, (json_list(ids),)).fetchall()
    connection.executemany(
        _STRIP, [(*stripped(reply, tries), number) for number, reply, tries in rows]
    )


def _prune(connection: sqlite3.Connection, limit: int, domain: str, end: str) -> int:
    rows = connection.execute(_OVER, (well_formed(domain), end, end, limit)).fetchall()
    messages = [row[0] for row in rows]
    if messages:
        # The index of text goes by the walks; what was left behind, open, it is told of.
        name = f"pruned:{domain}"
        (reached,) = connection.execute(_REACHED, (name,)).fetchone()
        late = [message for message in messages if message <= reached]
        mark_messages_to_forget(connection, late)
        connection.execute(_GOT_TO, (name, max(reached, *messages)))
    return drop(connection, messages)
