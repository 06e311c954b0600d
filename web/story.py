"""The whole story of one recipient of one message, ready for the template. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from config.settings import RetrySettings
from tracker.explain import headline
from tracker.model import (
    Attempt,
    Event,
    EventKind,
    Message,
    MessageId,
    Phase,
    Recipient,
    Status,
    TargetTry,
    TlsFacts,
    Trigger,
    Verification,
)
from tracker.schedule import ladder
from tracker.states import OPEN
from tracker.views import Timeline
from web.rows import sender_of, subject_of
from web.standing import Standing, outcome_of, standing_of, status_line, upcoming
from web.times import Times
from web.verdict import Case, Lines, lines, spoken, why_it_waits

RUNGS: Final = 100
"""Planned tries that are shown."""

PHASES: Final[Mapping[Phase, str]] = {
    Phase.ROUTING: "finding the way",
    Phase.DNS: "looking up the domain",
    Phase.CONNECT: "connecting",
    Phase.GREETING: "waiting for the greeting",
    Phase.EHLO: "introducing ourselves (EHLO)",
    Phase.STARTTLS: "starting encryption (STARTTLS)",
    Phase.AUTH: "logging in (AUTH)",
    Phase.MAIL: "naming the sender (MAIL)",
    Phase.RCPT: "naming the recipient (RCPT)",
    Phase.DATA: "announcing the message (DATA)",
    Phase.CONTENT: "sending the message",
    Phase.FINAL_DOT: "ending the message (final dot)",
}
_TRIGGERS: Final = {
    Trigger.ACCEPTED: "at once after acceptance",
    Trigger.SCHEDULE: "on schedule",
    Trigger.RETRY_NOW: "because somebody asked for it",
    Trigger.RESTART: "after the relay was restarted",
    Trigger.DEADLINE: "because its deadline had come",
    Trigger.CANCEL: "to tell its sender that it was cancelled",
}
_EVENTS: Final = {
    EventKind.DSN_SENT: "Report sent to the sender",
    EventKind.DSN_WITHHELD: "No report sent to the sender",
    EventKind.RELAY_RESTARTED: "The relay was restarted",
    EventKind.RETRY_REQUESTED: "Retry now",
    EventKind.HELD: "Held",
    EventKind.RELEASED: "Released",
    EventKind.CANCELLED: "Cancelled",
    EventKind.PROBED: "Probe: would it work now?",
    EventKind.SENT_AGAIN: "Sent again to another address",
}
_VERIFIED: Final = {
    Verification.NONE: "the certificate was not verified",
    Verification.PKIX: "the certificate was verified (PKIX)",
    Verification.DANE: "the certificate was verified by DANE",
}


class TryStory(NamedTuple):
    """One target of an attempt."""

    fact: TargetTry
    encryption: str
    phase: str


class AttemptStory(NamedTuple):
    """One attempt in the timeline."""

    at: datetime
    fact: Attempt
    standing: Standing
    headline: str
    trigger: str
    milliseconds: int
    tries: tuple[TryStory, ...]


class EventStory(NamedTuple):
    """One entry of the timeline that is no attempt."""

    at: datetime
    fact: Event
    word: str
    related: MessageId | None
    """The report, where the reader may see it."""


class RecipientRow(NamedTuple):
    """One recipient of the message."""

    fact: Recipient
    standing: Standing
    status: str
    words: str
    current: bool


class Rung(NamedTuple):
    """One try of the retry ladder."""

    at: datetime
    is_next: bool
    is_last: bool


class Story(NamedTuple):
    """One message, seen from one of its recipients."""

    message: Message
    subject: str
    sent_from: str
    recipient: Recipient
    recipients: tuple[RecipientRow, ...]
    standing: Standing
    upcoming: str
    """What comes next; empty for a recipient that is final or held."""
    spoken: str
    lines: Lines
    waits: str
    rungs: tuple[Rung, ...]
    entries: tuple[AttemptStory | EventStory, ...]
    """Oldest first."""
    report_on: MessageId | None
    text: str
    """The classic five lines."""


def encryption_of(tls: TlsFacts | None, problem: str | None) -> str:
    """Return in words how a connection was protected."""
    if tls is None:
        return f"Not encrypted: {problem}" if problem else "Not encrypted"
    words = f"Encrypted with {tls.version} ({tls.cipher}); {_VERIFIED[tls.verified_by]}"
    if tls.peer_names:
        words += f"; it names {', '.join(tls.peer_names)}"
    if tls.issuer:
        words += f"; issued by {tls.issuer}"
    return f"{words}; valid until {tls.not_after}" if tls.not_after else words


def rungs_of(recipient: Recipient, retry: RetrySettings) -> tuple[Rung, ...]:
    """Return the tries that are planned; none for a recipient that is final or held."""
    if recipient.status not in OPEN or recipient.next_attempt_at is None:
        return ()
    planned = ladder(
        retry,
        expires_at=recipient.expires_at,
        attempts=recipient.attempts,
        next_attempt=recipient.next_attempt_at,
        limit=RUNGS,
    )
    last = len(planned) - 1
    return tuple(Rung(at, number == 0, number == last) for number, at in enumerate(planned))


def focus_of(timeline: Timeline, asked: str | None) -> Recipient:
    """Return the recipient to tell about: the one asked for, else the first that has not got it."""
    by_id = {recipient.id: recipient for recipient in timeline.recipients}
    for identifier, recipient in by_id.items():
        if identifier == asked:
            return recipient
    missing = (one for one in timeline.recipients if one.status is not Status.DELIVERED)
    return next(missing, timeline.recipients[0])


def last_attempts(timeline: Timeline) -> dict[str, Attempt]:
    """Return the latest attempt of each recipient that has had one."""
    return {attempt.recipient_id: attempt for attempt in timeline.attempts}


def report_words(events: Sequence[Event]) -> str:
    """Return what became of the report to the sender, if one was due."""
    for event in reversed(events):
        if event.kind is EventKind.DSN_SENT:
            return "A report of it went to the sender."
        if event.kind is EventKind.DSN_WITHHELD:
            return f"No report went to the sender: {event.detail}"
    return ""


def five_lines(case: Case, subject: str) -> str:
    """Return the classic form, for an e-mail or a ticket."""
    words = headline(case.last) if case.last is not None else why_it_waits(case.recipient, None)
    status = status_line(case.recipient, case.message, case.last, case.times)
    found = (
        ("Date and subject", f"{case.times.full(case.message.accepted_at)} - {subject}"),
        ("Sent from", sender_of(case.message)),
        ("Sent to", case.recipient.forward_path),
        ("Recipient's delivery status", status),
        ("Message delivery status", words),
    )
    return "\n".join(f"{name}: {' '.join(value.split())}" for name, value in found)


def attempt_story(attempt: Attempt) -> AttemptStory:
    """Return one attempt for the timeline."""
    span = attempt.ended_at - attempt.started_at
    return AttemptStory(
        at=attempt.started_at,
        fact=attempt,
        standing=outcome_of(attempt),
        headline=headline(attempt),
        trigger=_TRIGGERS[attempt.trigger],
        milliseconds=round(span.total_seconds() * 1000),
        tries=tuple(
            TryStory(one, encryption_of(one.tls, one.tls_problem), PHASES[one.phase])
            for one in attempt.tries
        ),
    )


def entries_of(
    timeline: Timeline, recipient: Recipient, visible: frozenset[MessageId]
) -> tuple[AttemptStory | EventStory, ...]:
    """Return everything that concerns `recipient`, oldest first; acceptance is told elsewhere."""
    attempts = [attempt_story(a) for a in timeline.attempts if a.recipient_id == recipient.id]
    events = [
        EventStory(
            at=event.at,
            fact=event,
            word=_EVENTS[event.kind],
            related=event.related_message_id if event.related_message_id in visible else None,
        )
        for event in timeline.events
        if event.recipient_id in (None, recipient.id) and event.kind in _EVENTS
    ]
    return tuple(sorted((*attempts, *events), key=lambda entry: entry.at))


def tell(
    timeline: Timeline,
    recipient: Recipient,
    *,
    retry: RetrySettings,
    times: Times,
    visible: frozenset[MessageId],
) -> Story:
    """Return the story of `recipient`; of other messages only those in `visible` are linked."""
    message, last = timeline.message, last_attempts(timeline)
    case = Case(recipient, message, last.get(recipient.id), times)
    concerning = [e for e in timeline.events if e.recipient_id in (None, recipient.id)]
    subject = subject_of(message)
    return Story(
        message=message,
        subject=subject,
        sent_from=sender_of(message),
        recipient=recipient,
        recipients=tuple(
            _recipient_row(Case(one, message, last.get(one.id), times), current=one is recipient)
            for one in timeline.recipients
        ),
        standing=standing_of(recipient, case.last),
        upcoming=_upcoming(recipient, times),
        spoken=spoken(case),
        lines=lines(case, report_words(concerning)),
        waits=why_it_waits(recipient, case.last) if recipient.status in OPEN else "",
        rungs=rungs_of(recipient, retry),
        entries=entries_of(timeline, recipient, visible),
        report_on=message.reports_on if message.reports_on in visible else None,
        text=five_lines(case, subject),
    )


def _upcoming(recipient: Recipient, times: Times) -> str:
    if recipient.status not in OPEN or recipient.status is Status.HELD:
        return ""
    return upcoming(recipient, times)


def _recipient_row(case: Case, *, current: bool) -> RecipientRow:
    return RecipientRow(
        fact=case.recipient,
        standing=standing_of(case.recipient, case.last),
        status=status_line(case.recipient, case.message, case.last, case.times),
        words=headline(case.last) if case.last is not None else why_it_waits(case.recipient, None),
        current=current,
    )
