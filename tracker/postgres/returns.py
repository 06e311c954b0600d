"""Mail that was accepted and came back later (see `tracker.store.Returns`)."""

from datetime import datetime
from functools import partial

from tracker.model import Event, EventKind, MessageId, RecipientId
from tracker.postgres.connections import Transaction
from tracker.postgres.history import insert_events
from tracker.postgres.part import Part
from tracker.sql.returned import MOST, return_event
from tracker.sql.values import well_formed

_IS_OURS = "SELECT 1 FROM recipients WHERE id = $1 AND message_id = $2"

# Two copies of one report may come at once: one waits for the other.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

_KNOWN = f"""
SELECT detail FROM events
WHERE message_id = $1 AND recipient_id = $2 AND kind = '{EventKind.BOUNCED_LATER}'
"""


class Returns(Part):
    """What is learnt of a recipient after it is final."""

    async def record_return(
        self, message_id: MessageId, recipient_id: RecipientId, text: str, now: datetime
    ) -> bool:
        event = return_event(message_id, recipient_id, well_formed(text), now, self._entropy)
        return await self._connections.run(partial(_record, event=event))


async def _record(transaction: Transaction, event: Event) -> bool:
    if not await transaction.rows(_IS_OURS, event.recipient_id, event.message_id):
        return False
    await transaction.rows(_TURN, f"returned {event.recipient_id}")
    rows = await transaction.rows(_KNOWN, event.message_id, event.recipient_id)
    known = [row[0] for row in rows]
    if event.detail in known or len(known) >= MOST:
        return False
    await insert_events(transaction, [event])
    return True
