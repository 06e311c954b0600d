"""Mail that was accepted and came back later, over any ledger that runs scripts (`Returns`)."""

from datetime import datetime
from typing import Final

from tracker.entropy import Entropy
from tracker.model import Event, EventId, EventKind, MessageId, RecipientId, new_id
from tracker.sql.conditions import Statement
from tracker.sql.rows import INSERT_EVENT, event_columns
from tracker.sql.script import Script, Scripted
from tracker.sql.values import well_formed

MOST: Final = 20
"""Reports about one recipient that are kept: who sends them may be anybody."""

# Few events belong to one message, so that this is a look-up for each row that is shown.
RETURNED_COLUMN: Final = (
    "(SELECT min(e.at) FROM events AS e WHERE e.message_id = r.message_id"
    f" AND e.recipient_id = r.id AND e.kind = '{EventKind.BOUNCED_LATER}')"
)

_IS_OURS: Final = "SELECT 1 FROM recipients WHERE message_id = ? AND id = ?"
_KNOWN: Final = f"""
SELECT detail FROM events
WHERE message_id = ? AND recipient_id = ? AND kind = '{EventKind.BOUNCED_LATER}'
"""


class Returns(Scripted):
    """What is learnt of a recipient after it is final."""

    _entropy: Entropy

    async def record_return(
        self, message_id: MessageId, recipient_id: RecipientId, text: str, now: datetime
    ) -> bool:
        event = Event(
            id=EventId(new_id(now, self._entropy(8))),
            message_id=message_id,
            recipient_id=recipient_id,
            at=now,
            kind=EventKind.BOUNCED_LATER,
            detail=well_formed(text),
        )
        return await self._run(lambda: self._record(event))

    def _record(self, event: Event) -> Script[bool]:
        where = (event.message_id, event.recipient_id)
        if not (yield Statement(_IS_OURS, where)):
            return False
        # Two copies of one report may come at once: one waits for the other.
        yield Statement(self._TURN, (f"returned {event.recipient_id}",))
        known = [row[0] for row in (yield Statement(_KNOWN, where))]
        if event.detail in known or len(known) >= MOST:
            return False
        yield Statement(INSERT_EVENT, tuple(event_columns(event)))
        return True
