"""Attempts that are put on record although nothing came back from a delivery. Pure.

Nothing is dialled for mail that was held until its deadline, nor for mail whose deadline, or
whose notice of delay, comes while its destination is known to be unreachable: a million
recipients of a dead host must not knock at it one by one to be told so. Nor for what somebody has
cancelled and wants the sender to hear of. And a delivery that a fault of ours has broken off leaves
open whether the message was taken.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple

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
    RecipientId,
    Trigger,
)

_DOUBTED = "A fault in the relay during the attempt; the remote server may have the message"
_BROKEN_OFF = "A fault in the relay; the log says more"
_ORIGINS = {
    Gate.DESTINATION: (Origin.NETWORK, Phase.CONNECT),
    Gate.DNS: (Origin.LOCAL, Phase.DNS),
    Gate.RATE: (Origin.POLICY, Phase.ROUTING),
    Gate.HOLD: (Origin.POLICY, Phase.ROUTING),
}


class Author(NamedTuple):
    """Who puts an attempt on record, and when."""

    now: datetime
    mint: Callable[[], str]
    node: str
    config_revision: str


class _End(NamedTuple):
    """How an attempt that is presumed has ended."""

    outcome: Outcome
    origin: Origin
    phase: Phase
    detail: str
    is_try: bool = True
    """False when it does not count as one."""


def presume(job: Job, why: Postponement, author: Author) -> tuple[Attempt, ...]:
    """Return one deferred attempt for each recipient of `job`, with the gate as its reason.

    Only a destination that is known not to answer counts as tried: others have tried it.
    """
    origin, phase = _ORIGINS.get(why.gate, (Origin.LOCAL, Phase.ROUTING))
    detail, is_try = f"Not dialled: {why.detail}", why.gate is Gate.DESTINATION
    end = _End(Outcome.DEFERRED, origin, phase, detail, is_try)
    return tuple(_attempt(job, recipient, author, end) for recipient in job.recipients)


def doubt(
    job: Job,
    in_flight: Collection[RecipientId],
    author: Author,
    known: Sequence[Attempt] = (),
) -> tuple[Attempt, ...]:
    """Return one attempt for each recipient of `job` that a fault of ours has broken off.

    Those in flight had been sent their final dot: they may have the message. What is `known` of
    some of them stands.
    """
    sent = _End(Outcome.UNCERTAIN, Origin.LOCAL, Phase.FINAL_DOT, _DOUBTED)
    unsent = _End(Outcome.DEFERRED, Origin.LOCAL, Phase.ROUTING, _BROKEN_OFF)
    ruled_on = {attempt.recipient_id for attempt in known}
    doubted = (
        _attempt(job, recipient, author, sent if recipient.id in in_flight else unsent)
        for recipient in job.recipients
        if recipient.id not in ruled_on
    )
    return (*known, *doubted)


def cancelled(job: Job, reason: str, author: Author) -> tuple[Attempt, ...]:
    """Return one failed attempt for each recipient of `job`, which somebody has cancelled."""
    detail = "5.7.0 Cancelled before it was delivered" + (f": {reason}" if reason else "")
    end = _End(Outcome.FAILED, Origin.POLICY, Phase.ROUTING, detail, is_try=False)
    return tuple(_attempt(job, recipient, author, end) for recipient in job.recipients)


def _attempt(job: Job, recipient: Recipient, author: Author, end: _End) -> Attempt:
    return Attempt(
        id=AttemptId(author.mint()),
        message_id=recipient.message_id,
        recipient_id=recipient.id,
        number=recipient.attempts + 1 if end.is_try else 0,
        trigger=job.trigger,
        started_at=author.now,
        ended_at=author.now,
        outcome=end.outcome,
        origin=end.origin,
        phase=end.phase,
        detail=end.detail,
        destination=job.destination,
        node=author.node,
        config_revision=author.config_revision,
    )


def held_until_deadline(job: Job, now: datetime) -> Postponement | None:
    """Return why `job` is not to be tried any more; None when it is."""
    if job.trigger is not Trigger.DEADLINE:
        return None
    return Postponement(gate=Gate.HOLD, until=now, detail="it was held until its deadline")


def has_expired(job: Job, now: datetime) -> bool:
    """Say whether the deadline of any recipient of `job` has come."""
    return any(recipient.expires_at <= now for recipient in job.recipients)
