"""Which DSNs a settlement sends, and which it withholds (RFC 3461 4.1, 5.2; RFC 3834)."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from config.settings import RetrySettings
from relay.decide.verdict import Verdict
from relay.dsn import Action, Report, Reported, compose_dsn, shortened
from tracker.explain import RuleBook
from tracker.mailbox import MailboxError, parse_mailbox
from tracker.model import (
    Client,
    Envelope,
    EnvelopeRecipient,
    Event,
    EventId,
    EventKind,
    Job,
    Message,
    MessageId,
    MessageKind,
    Notify,
    Outcome,
    RecipientId,
    Status,
    Submission,
    WholeContent,
)
from tracker.schedule import ladder

_TOLD_TRIES = 4
"""Planned tries that a delay DSN names, the deadline included."""
_DEFAULT_NOTIFY = frozenset({Notify.FAILURE, Notify.DELAY})
"""What we do without a NOTIFY parameter (RFC 3461 4.1 leaves delays to us)."""
_WANTED_BY = {
    Action.FAILED: Notify.FAILURE,
    Action.DELAYED: Notify.DELAY,
    Action.RELAYED: Notify.SUCCESS,
}


class Notice(NamedTuple):
    """What is due to be told about some recipients of one message."""

    action: Action
    told: Sequence[Verdict]
    """Whom the DSN reports."""
    withheld: Sequence[tuple[Verdict, str]]
    """Whom it does not report, and why."""


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to turn verdicts into DSNs."""

    job: Job
    retry: RetrySettings
    reporting_mta: str
    now: datetime
    mint: Callable[[], str]
    destination_of: Callable[[str], str]
    original: bytes | None
    uncertain_before: Collection[RecipientId]
    book: RuleBook | None = None

    def write(self, action: Action, verdicts: Sequence[Verdict]) -> Submission | None:
        """Return the DSN that reports `verdicts`; None when its sender cannot be reached."""
        message = self.job.message
        try:
            sender = parse_mailbox(message.reverse_path)
        except MailboxError:
            return None
        identifier = MessageId(self.mint())
        dsn = compose_dsn(
            Report(
                id=identifier,
                action=action,
                message=message,
                recipients=tuple(self._reported(verdict, len(verdicts)) for verdict in verdicts),
                reporting_mta=self.reporting_mta,
                now=self.now,
                original=self.original,
                book=self.book,
            )
        )
        recipient = EnvelopeRecipient(
            forward_path=message.reverse_path,
            domain=sender.domain,
            notify=frozenset({Notify.NEVER}),
        )
        return Submission(
            id=identifier,
            kind=MessageKind.DSN,
            envelope=Envelope(
                reverse_path="", recipients=(recipient,), body=dsn.body, smtputf8=dsn.smtputf8
            ),
            destinations=(self.destination_of(sender.domain),),
            expires_at=self.now + self.retry.report_lifetime,
            client=Client(address=""),
            account=message.account,
            header=dsn.header,
            content=WholeContent(dsn.octets),
            reports_on=message.id,
        )

    def event(
        self, verdict: Verdict, kind: EventKind, detail: str, dsn: MessageId | None = None
    ) -> Event:
        """Return an entry of the recipient's timeline."""
        return Event(
            id=EventId(self.mint()),
            message_id=self.job.message.id,
            recipient_id=verdict.recipient.id,
            at=self.now,
            kind=kind,
            detail=detail,
            related_message_id=dsn,
        )

    def _reported(self, verdict: Verdict, together: int) -> Reported:
        recipient, following = verdict.recipient, verdict.next_attempt_at
        is_uncertain = verdict.attempt.outcome is Outcome.UNCERTAIN
        planned: Sequence[datetime] = ()
        if following is not None:
            planned = ladder(
                self.retry,
                expires_at=recipient.expires_at,
                attempts=verdict.attempts,
                next_attempt=following,
                limit=_TOLD_TRIES,
            )
        return Reported(
            recipient=recipient,
            attempt=shortened(verdict.attempt, together),
            expired=verdict.status is Status.EXPIRED,
            may_have_copy=is_uncertain or recipient.id in self.uncertain_before,
            planned=tuple(planned),
        )


def due_action(
    verdict: Verdict, message: Message, retry: RetrySettings, now: datetime
) -> Action | None:
    """Return what the sender ought to be told about a recipient; None: nothing.

    Of failures and delays that does not depend on what was asked for: they may have to be told
    of although nobody asked, and why they are not is on record.
    """
    if verdict.status in (Status.BOUNCED, Status.EXPIRED, Status.CANCELLED):
        return Action.FAILED
    if verdict.status is Status.DELIVERED:
        # Who took our NOTIFY owes the success DSN (RFC 3461 5.2.1); else it ends here (5.2.2).
        is_asked = Notify.SUCCESS in (verdict.recipient.notify or ())
        return Action.RELAYED if is_asked and not verdict.attempt.dsn_handed_on else None
    if verdict.status is Status.DEFERRED and retry.delay_dsn is not None:
        told = verdict.recipient.delay_dsn_at is not None
        # Jitter may bring a try just before the hour, and the one after it may be hours away.
        soon = retry.delay_dsn * (1 - retry.jitter)
        if not told and now - message.accepted_at >= soon:
            return Action.DELAYED
    return None


def withheld_because(verdict: Verdict, message: Message, action: Action) -> str | None:
    """Return why a DSN is not sent; None when it is."""
    notify = verdict.recipient.notify
    wanted = _WANTED_BY[action] in (_DEFAULT_NOTIFY if notify is None else notify)
    if message.kind is MessageKind.DSN:
        return "The message is a DSN itself (RFC 5321 4.5.5)"
    if not message.reverse_path:
        return "The reverse-path is null (RFC 5321 4.5.5)"
    if not wanted:
        asked = ",".join(sorted(notify or ()))
        return f"The sender asked for NOTIFY={asked} (RFC 3461 4.1)"
    return None


def notices_of(
    verdicts: Sequence[Verdict], message: Message, retry: RetrySettings, now: datetime
) -> list[Notice]:
    """Return what is due to be told: nothing for most mail, which arrives."""
    due = [(verdict, due_action(verdict, message, retry, now)) for verdict in verdicts]
    notices: list[Notice] = []
    for action in dict.fromkeys([action for _, action in due if action is not None]):
        concerned = [verdict for verdict, wanted in due if wanted is action]
        reasons = [withheld_because(verdict, message, action) for verdict in concerned]
        pairs = list(zip(concerned, reasons, strict=True))
        told = [verdict for verdict, reason in pairs if reason is None]
        withheld = [(verdict, reason) for verdict, reason in pairs if reason is not None]
        notices.append(Notice(action, told, withheld))
    return notices
