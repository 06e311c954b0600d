"""`Ages`.

Rows of days that are over are written once more, in small steps; the room that their old versions
leave is used again after the next vacuum, or goes with the day.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial

from tracker.ages import Aging, Walk
from tracker.postgres.arrays import Columnar
from tracker.postgres.connections import Transaction
from tracker.postgres.part import Part
from tracker.postgres.prune import drop_messages
from tracker.sql.ages import chosen, message_changes, stripped
from tracker.sql.values import first_id, last_id, moment, well_formed

_REACHED = "SELECT last_id FROM walks WHERE name = $1"

_NEXT = """
SELECT id, account, accepted_at FROM messages WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3
"""

_GOT_TO = """
INSERT INTO walks (name, last_id) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET last_id = excluded.last_id
"""

_ATTEMPTS = """
SELECT a.recipient_id, a.id, a.reply, a.tries FROM recipients AS r
JOIN attempts AS a ON a.recipient_id = r.id AND a.recipient_id BETWEEN $2 AND $3
WHERE r.message_id = ANY ($1) AND r.id BETWEEN $2 AND $3
"""

_STRIPPED = Columnar(
    {"recipient_id": "text", "id": "text", "reply_text": "text", "reply": "text", "tries": "text"}
)

_STRIP = f"""
UPDATE attempts AS a SET reply_text = n.reply_text, reply = n.reply, tries = n.tries
FROM {_STRIPPED.unnest("n", 3)}
WHERE a.recipient_id = n.recipient_id AND a.id = n.id AND a.recipient_id BETWEEN $1 AND $2
"""

_OVER = """
SELECT r.message_id, r.id FROM recipients AS r
WHERE r.account_domain = $1 AND r.id < $2 AND r.message_id < $2 AND NOT EXISTS (
    SELECT 1 FROM queue AS q WHERE q.message_id = r.message_id)
ORDER BY r.id LIMIT $3
"""


class Forgetting(Part):
    """Parts that go before the record, and domains whose record goes early."""

    async def forget_parts(self, walk: Walk, before: datetime, limit: int) -> int:
        step = partial(_forget_parts, walk=walk, end=first_id(before), limit=limit)
        return await self._connections.run(step)

    async def prune_domains(self, domains: Collection[str], before: datetime, limit: int) -> int:
        for domain in sorted(domains):
            step = partial(_prune, domain=well_formed(domain), end=first_id(before), limit=limit)
            if dropped := await self._connections.run(step):
                return dropped
        return 0


async def _forget_parts(transaction: Transaction, walk: Walk, end: str, limit: int) -> int:
    reached = await transaction.rows(_REACHED, walk.name)
    begin = reached[0][0] if reached else ""
    rows = await transaction.rows(_NEXT, begin, end, limit)
    if not rows:
        return 0
    if ids := chosen(walk, [row[:2] for row in rows]):
        if changes := message_changes(walk.parts):
            sql = f"UPDATE messages SET {changes} WHERE id = ANY ($1) AND id BETWEEN $2 AND $3"
            await transaction.execute(sql, ids, ids[0], ids[-1])
        if Aging.REPLIES in walk.parts:
            times = [row[2] for row in rows]
            bounds = first_id(moment(min(times))), last_id(moment(max(times)))
            await strip_attempts(transaction, ids, bounds)
    await transaction.execute(_GOT_TO, walk.name, rows[-1][0])
    return len(rows)


async def strip_attempts(
    transaction: Transaction, ids: Sequence[str], bounds: tuple[str, str]
) -> None:
    """Take the words out of all attempts of messages whose recipients' ids lie within bounds."""
    rows = await transaction.rows(_ATTEMPTS, ids, *bounds)
    changed = [(one, each, *stripped(reply, tries)) for one, each, reply, tries in rows]
    if changed:
        await transaction.execute(_STRIP, *bounds, *_STRIPPED.arrays(changed))


async def _prune(transaction: Transaction, domain: str, end: str, limit: int) -> int:
    rows = await transaction.rows(_OVER, domain, end, limit)
    return await drop_messages(transaction, list({row[0] for row in rows}))
