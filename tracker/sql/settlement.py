"""What a settlement must be before a ledger looks at it."""

from collections.abc import Sequence
from typing import NamedTuple

from tracker.model import RecipientId, Settlement, Status
from tracker.sql.rows import Columns, category_in


class LastAttempt(NamedTuple):
    """The last attempt at a recipient, and the category of how it ended."""

    id: str
    category: str


def last_attempts(
    settlement: Settlement, attempts: Sequence[Columns]
) -> dict[RecipientId, LastAttempt]:
    """Return the last attempt at each recipient that was tried; `attempts` are their rows.

    Raises ValueError when the settlement is incoherent.
    """
    changed = {change.recipient_id for change in settlement.changes}
    last = {
        attempt.recipient_id: LastAttempt(attempt.id, category_in(row))
        for attempt, row in zip(settlement.attempts, attempts, strict=True)
    }
    if not last.keys() <= changed or len(changed) != len(settlement.changes):
        raise ValueError("a settlement changes every recipient that it has attempts of, once")
    if settlement.reports and not changed:
        raise ValueError("a settlement that changes nothing reports nothing")
    for change in settlement.changes:
        if is_waiting(change.status) != (change.next_attempt_at is not None):
            raise ValueError(
                f"a recipient that is {change.status} must have a next attempt, or none"
            )
    return last


def is_waiting(status: Status) -> bool:
    """Say whether a recipient of this status has a next attempt."""
    return status in (Status.QUEUED, Status.DEFERRED)
