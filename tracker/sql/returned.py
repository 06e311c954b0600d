"""Reports that came later, for both ledgers."""

from datetime import datetime
from typing import Final

from tracker.entropy import Entropy
from tracker.model import Event, EventId, EventKind, MessageId, RecipientId, new_id

MOST: Final = 20
"""Reports about one recipient that are kept: who sends them may be anybody."""

# Few events belong to one message, so that this is a look-up for each row that is shown.
RETURNED_COLUMN: Final = (
    "(SELECT min(e.at) FROM events AS e WHERE e.message_id = r.message_id"
    f" AND e.recipient_id = r.id AND e.kind = '{EventKind.BOUNCED_LATER}')"
)


def return_event(
    message_id: MessageId, recipient_id: RecipientId, text: str, now: datetime, entropy: Entropy
) -> Event:
    """Return the entry of the timeline."""
    return Event(
        id=EventId(new_id(now, entropy(8))),
        message_id=message_id,
        recipient_id=recipient_id,
        at=now,
        kind=EventKind.BOUNCED_LATER,
        detail=text,
    )
