"""Mail that a receiver accepted and reported as failed later."""

from datetime import datetime
from typing import Protocol

from tracker.model import MessageId, RecipientId


class Returns(Protocol):
    """What is learnt of a recipient after it is final."""

    async def record_return(
        self, message_id: MessageId, recipient_id: RecipientId, text: str, now: datetime
    ) -> bool:
        """Put a report on the recipient's timeline (`tracker.returns.write_return`).

        False when this report is on record already, when there are as many as are kept, or when
        the message has no such recipient. The status stays as it is: the receiver did accept it.
        """
        ...
