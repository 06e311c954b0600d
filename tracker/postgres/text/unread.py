"""Recipients of whom the index does not know everything: they were open when it read them."""

from collections.abc import Sequence
from typing import NamedTuple

from tracker.postgres.connections import Transaction


class Unread(NamedTuple):
    """A recipient at whom there were attempts since, or who is not open any more."""

    recipient: str
    part: int
    block: int
    last_attempt: str | None
    is_open: bool


# Each attempt at a recipient is its last one for a while; one that is not open any more gets none.
UNREAD = """
SELECT o.recipient_id, o.part, o.block, q.last_attempt_id, q.id IS NOT NULL
FROM text_open AS o JOIN text_parts AS p ON p.part = o.part AND p.is_used
LEFT JOIN queue AS q ON q.id = o.recipient_id
WHERE o.recipient_id >= $1 AND o.recipient_id < $2
  AND (q.id IS NULL OR q.last_attempt_id IS DISTINCT FROM o.last_attempt_id)
ORDER BY o.recipient_id
"""


async def read_unread(transaction: Transaction, low: str = "", high: str = "~") -> Sequence[Unread]:
    """Return those whose ids are from `low` on and below `high`, by their ids."""
    return [Unread(*row) for row in await transaction.rows(UNREAD, low, high)]
