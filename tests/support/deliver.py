"""What a relay would do next with mail that a desk has on record."""

from datetime import timedelta

from tests.support.letters import DANE, POSTFIX, Try, accepted
from tests.support.morning import make_attempt
from tests.support.panel import Desk
from tracker.model import Outcome, RecipientChange, Settlement, Status

_STATUS = {
    Outcome.DELIVERED: Status.DELIVERED,
    Outcome.FAILED: Status.BOUNCED,
    Outcome.DEFERRED: Status.DEFERRED,
    Outcome.UNCERTAIN: Status.DEFERRED,
}


async def try_again(desk: Desk, subject: str, tried: Try | None = None) -> None:
    """Claim the message that waits under `subject` and settle it; unless told else, delivered."""
    now = desk.clock.now() + timedelta(hours=1)
    tried = tried or accepted(POSTFIX, "8F21D0C4AA", DANE)
    lease = await desk.ledger.open_lease("mail-1", 1, now, timedelta(days=1))
    jobs = await desk.ledger.claim(lease.token, now, 1000)
    job = next(one for one in jobs if one.message.id == desk.ids[subject])
    at = desk.clock.now()
    attempts = tuple(
        make_attempt(one, tried, at, job.message.reverse_path) for one in job.recipients
    )
    status = _STATUS[tried.outcome]
    await desk.ledger.settle(
        Settlement(
            lease=job.lease,
            message_id=job.message.id,
            attempts=attempts,
            changes=tuple(
                RecipientChange(
                    recipient_id=one.recipient_id,
                    status=status,
                    at=one.ended_at,
                    attempts=one.number,
                    next_attempt_at=at + timedelta(minutes=30)
                    if status is Status.DEFERRED
                    else None,
                )
                for one in attempts
            ),
        )
    )
    await desk.ledger.close_lease(lease.token, now)
