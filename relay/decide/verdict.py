"""What becomes of one recipient."""

from datetime import datetime, timedelta

import msgspec

from config.settings import RetrySettings
from tracker.model import Attempt, Gate, Outcome, Recipient, RecipientChange, Status, Trigger
from tracker.schedule import next_attempt_at, stated_wait
from tracker.states import IN_DOUBT

_DETAIL_LIMIT = 500
"""Characters of a gate's detail; the attempt keeps the reply whole."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The new state of a recipient, and the attempt that led there."""

    recipient: Recipient
    attempt: Attempt
    status: Status
    next_attempt_at: datetime | None = None
    gate: Gate = Gate.NONE
    gate_detail: str = ""

    @property
    def attempts(self) -> int:
        """How often the recipient has been tried now."""
        return attempts_after(self.recipient, self.attempt)

    def change(self, now: datetime, delay_dsn_at: datetime | None) -> RecipientChange:
        """Return it as the ledger takes it."""
        return RecipientChange(
            recipient_id=self.recipient.id,
            status=self.status,
            at=now,
            attempts=self.attempts,
            next_attempt_at=self.next_attempt_at,
            gate=self.gate,
            gate_detail=self.gate_detail,
            delay_dsn_at=delay_dsn_at,
        )


def attempts_after(recipient: Recipient, attempt: Attempt) -> int:
    """Return how often `recipient` has been tried, with `attempt` on record."""
    return attempt.number if attempt.is_try else recipient.attempts


def judge(
    recipient: Recipient,
    attempt: Attempt,
    *,
    retry: RetrySettings,
    is_reachable: bool,
    now: datetime,
    jitter: float,
) -> Verdict:
    """Return what becomes of `recipient` after `attempt`."""
    if attempt.outcome is Outcome.DELIVERED:
        return Verdict(recipient=recipient, attempt=attempt, status=Status.DELIVERED)
    if attempt.outcome is Outcome.FAILED:
        status = Status.CANCELLED if attempt.trigger is Trigger.CANCEL else Status.BOUNCED
        return Verdict(recipient=recipient, attempt=attempt, status=status)
    following = next_attempt_at(
        retry,
        expires_at=recipient.expires_at,
        attempts=attempts_after(recipient, attempt),
        now=now,
        jitter=jitter,
        stated=_stated(attempt),
    )
    if following is None:
        return Verdict(recipient=recipient, attempt=attempt, status=Status.EXPIRED)
    if attempt.outcome is Outcome.UNCERTAIN and retry.uncertain == "hold":
        return Verdict(
            recipient=recipient,
            attempt=attempt,
            status=Status.HELD,
            gate=Gate.HOLD,
            gate_detail=IN_DOUBT,
        )
    return Verdict(
        recipient=recipient,
        attempt=attempt,
        status=Status.DEFERRED,
        next_attempt_at=following,
        gate=Gate.BACK_OFF if is_reachable else Gate.DESTINATION,
        gate_detail=_reason(attempt),
    )


def _stated(attempt: Attempt) -> timedelta | None:
    reply = attempt.reply
    return stated_wait(reply.text) if reply is not None and reply.is_temporary else None


def _reason(attempt: Attempt) -> str:
    return attempt.words.replace("\n", " ")[:_DETAIL_LIMIT]
