"""What can be settled when deciding itself has failed: what is certain, and nothing else."""

from collections.abc import Sequence
from datetime import datetime

from relay.decide.verdict import attempts_after
from tracker.model import Attempt, Gate, Job, Outcome, RecipientChange, Settlement, Status

_FAULT = "A fault in the relay; the log says more"


def record_only(
    job: Job, attempts: Sequence[Attempt], *, now: datetime, until: datetime
) -> Settlement:
    """Return a settlement that keeps `attempts` and sends no DSN.

    Whoever has the message is delivered: a fault of ours must not send it again. Everybody else
    waits until `until`, when a DSN that may be due has another chance.
    """

    recipients = {recipient.id: recipient for recipient in job.recipients}

    def change(attempt: Attempt) -> RecipientChange:
        is_delivered = attempt.outcome is Outcome.DELIVERED
        return RecipientChange(
            recipient_id=attempt.recipient_id,
            status=Status.DELIVERED if is_delivered else Status.DEFERRED,
            at=now,
            attempts=attempts_after(recipients[attempt.recipient_id], attempt),
            next_attempt_at=None if is_delivered else until,
            gate=Gate.NONE if is_delivered else Gate.LOCAL,
            gate_detail="" if is_delivered else _FAULT,
        )

    return Settlement(
        lease=job.lease,
        message_id=job.message.id,
        attempts=tuple(attempts),
        changes=tuple(change(attempt) for attempt in attempts),
    )
