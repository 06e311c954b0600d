"""What a settlement must be before a ledger looks at it."""

from tracker.model import RecipientId, Settlement, Status


def last_attempts(settlement: Settlement) -> dict[RecipientId, str]:
    """Return the id of the last attempt of each recipient that was tried.

    Raises ValueError when the settlement is incoherent.
    """
    changed = {change.recipient_id for change in settlement.changes}
    last = {attempt.recipient_id: attempt.id for attempt in settlement.attempts}
    if not last.keys() <= changed or len(changed) != len(settlement.changes):
        raise ValueError("a settlement changes every recipient that it has attempts of, once")
    if settlement.reports and not changed:
        raise ValueError("a settlement that changes nothing reports nothing")
    for change in settlement.changes:
        if is_waiting(change.status) != (change.next_attempt_at is not None):
            raise ValueError(
                f"a recipient that is {change.status} must have a next attempt, or none"
            )
    return dict(last)


def is_waiting(status: Status) -> bool:
    """Say whether a recipient of this status has a next attempt."""
    return status in (Status.QUEUED, Status.DEFERRED)
