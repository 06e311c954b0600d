"""Mail that was accepted and came back later (see `tracker.store.Returns`)."""

import sqlite3
from datetime import datetime

from tracker.model import Event, EventKind, MessageId, RecipientId
from tracker.sql.returned import MOST, return_event
from tracker.sql.rows import INSERT_EVENT, event_columns
from tracker.sql.values import well_formed
from tracker.sqlite.part import Part

_IS_OURS = "SELECT 1 FROM recipients WHERE id = ? AND message_id = ?"

_KNOWN = f"""
SELECT detail FROM events
WHERE message_id = ? AND recipient_id = ? AND kind = '{EventKind.BOUNCED_LATER}'
"""


class Returns(Part):
    """What is learnt of a recipient after it is final."""

    async def record_return(
        self, message_id: MessageId, recipient_id: RecipientId, text: str, now: datetime
    ) -> bool:
        event = return_event(message_id, recipient_id, well_formed(text), now, self._entropy)
        return await self._writer.run(lambda connection: _record(connection, event))


def _record(connection: sqlite3.Connection, event: Event) -> bool:
    where = (event.message_id, event.recipient_id)
    if connection.execute(_IS_OURS, where[::-1]).fetchone() is None:
        return False
    known = [row[0] for row in connection.execute(_KNOWN, where)]
    if event.detail in known or len(known) >= MOST:
        return False
    connection.execute(INSERT_EVENT, event_columns(event))
    return True
