"""Attempts that are put on record without dialling, because their result is known. Pure.

Nothing is dialled for mail that was held until its deadline, nor for mail whose deadline, or
whose notice of delay, comes while its destination is known to be unreachable: a million
recipients of a dead host must not knock at it one by one to be told so.
"""

from collections.abc import Callable
from datetime import datetime

from tracker.model import (
    Attempt,
    AttemptId,
    Gate,
    Job,
    Origin,
    Outcome,
    Phase,
    Postponement,
    Recipient,
    Trigger,
)

_ORIGINS = {
    Gate.DESTINATION: (Origin.NETWORK, Phase.CONNECT),
    Gate.DNS: (Origin.LOCAL, Phase.DNS),
    Gate.HOLD: (Origin.POLICY, Phase.ROUTING),
}


def presume(
    job: Job,
    why: Postponement,
    *,
    now: datetime,
    mint: Callable[[], str],
    node: str,
    config_revision: str,
) -> tuple[Attempt, ...]:
    """Return one deferred attempt for each recipient of `job`, with the gate as its reason."""
    origin, phase = _ORIGINS.get(why.gate, (Origin.LOCAL, Phase.ROUTING))

    def attempt(recipient: Recipient) -> Attempt:
        return Attempt(
            id=AttemptId(mint()),
            message_id=recipient.message_id,
            recipient_id=recipient.id,
            number=recipient.attempts + 1,
            trigger=job.trigger,
            started_at=now,
            ended_at=now,
            outcome=Outcome.DEFERRED,
            origin=origin,
            phase=phase,
            detail=f"Not dialled: {why.detail}",
            destination=job.destination,
            node=node,
            config_revision=config_revision,
        )

    return tuple(attempt(recipient) for recipient in job.recipients)


def held_until_deadline(job: Job, now: datetime) -> Postponement | None:
    """Return why `job` is not to be tried any more; None when it is."""
    if job.trigger is not Trigger.DEADLINE:
        return None
    return Postponement(gate=Gate.HOLD, until=now, detail="it was held until its deadline")


def has_expired(job: Job, now: datetime) -> bool:
    """Say whether the deadline of any recipient of `job` has come."""
    return any(recipient.expires_at <= now for recipient in job.recipients)
