"""The whole story of one recipient of one message, ready for the template. Pure."""

from collections.abc import Sequence
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
    Outcome,
    Recipient,
    Status,
)
from tracker.states import OPEN
from tracker.views import Timeline
from web.message.attempts import AttemptStory, attempt_story
from web.message.folding import Fold, fold
from web.message.ladder import Rung, Wait, rungs_of, tries_so_far, wait_of
from web.message.onward import Onward, onward_of
from web.message.proof import five_lines, proof
from web.message.verdict import Case, Lines, lines, spoken, why_it_waits
from web.rerouting import why_this_way
from web.standing import Standing, standing_of, status_line, upcoming
from web.times import Times, length
from web.track.rows import sender_of, subject_of

_EVENTS: Final = {
    EventKind.DSN_SENT: "Report sent to the sender",
    EventKind.DSN_WITHHELD: "No report sent to the sender",
    EventKind.RELAY_RESTARTED: "The relay was restarted",
    EventKind.RETRY_REQUESTED: "Retry now",
    EventKind.HELD: "Held",
    EventKind.RELEASED: "Released",
    EventKind.CANCELLED: "Cancelled",
    EventKind.REROUTED: "Sent by another way",
    EventKind.PROBED: "Probe: would it work now?",
    EventKind.SENT_AGAIN: "Sent again to another address",
    EventKind.BOUNCED_LATER: "Returned by the other side",
}
_DELAYED: Final = "Action: delayed"
_REPORTS: Final = {
    _DELAYED: ("Notice of the delay sent to the sender", ""),
    "Action: failed": ("Report sent to the sender", "It says that the message failed."),
    "Action: relayed": ("Report sent to the sender", "It says that the message was handed on."),
}
"""What a report of ours says, by the Action field that its event names (RFC 3464 2.3.3)."""


class EventStory(NamedTuple):
    """One entry of the timeline that is no attempt."""

    at: datetime
    fact: Event
    word: str
    detail: str
    tone: str
    related: MessageId | None
    """The report, where the reader may see it."""


class Ending(NamedTuple):
    """The entry of the timeline at which time ran out; no attempt and no event says it."""

    at: datetime
    word: str
    detail: str
    tone: str


class RecipientRow(NamedTuple):
    """One recipient of the message."""

    fact: Recipient
    standing: Standing
    status: str
    words: str
    current: bool


class Story(NamedTuple):
    """One message, seen from one of its recipients."""

    message: Message
    subject: str
    sent_from: str
    recipient: Recipient
    recipients: tuple[RecipientRow, ...]
    """The one that is told about first, then those who have not got it."""
    accepted: int
    """Recipients whose server accepted it and did not return it."""
    standing: Standing
    upcoming: str
    """What comes next; empty for a recipient that is final or held."""
    is_ahead: bool
    """True when the next try is at a time to come."""
    spoken: str
    lines: Lines
    last: Attempt | None
    wait: Wait | None
    way: str
    """Why it does not go as configured; empty when it does."""
    tries: str
    """ "3 tries so far"."""
    rungs: tuple[Rung, ...]
    entries: tuple[AttemptStory | EventStory | Ending | Fold, ...]
    """Oldest first."""
    report_on: MessageId | None
    onward: tuple[Onward, ...]
    text: str
    """The classic five lines."""
    proof: str
    """For whoever runs the other server."""
    is_open: bool
    """True while something may still change for any recipient."""


def focus_of(timeline: Timeline, asked: str | None) -> Recipient:
    """Return the recipient to tell about: the one asked for, else the first that has not got it."""
    by_id = {recipient.id: recipient for recipient in timeline.recipients}
    for identifier, recipient in by_id.items():
        if identifier == asked:
            return recipient
    missing = (one for one in timeline.recipients if not _has_it(one))
    return next(missing, timeline.recipients[0])


def last_attempts(timeline: Timeline) -> dict[str, Attempt]:
    """Return the latest attempt of each recipient that has had one."""
    return {attempt.recipient_id: attempt for attempt in timeline.attempts}


def report_words(events: Sequence[Event]) -> str:
    """Return what became of the report on the end, if one was due: a delay is none."""
    for event in reversed(events):
        if event.kind is EventKind.DSN_SENT and event.detail != _DELAYED:
            return "A report of it went to the sender."
        if event.kind is EventKind.DSN_WITHHELD:
            return f"No report went to the sender: {event.detail}"
    return ""


def entries_of(
    attempts: Sequence[Attempt], events: Sequence[Event], visible: frozenset[MessageId]
) -> tuple[AttemptStory | EventStory, ...]:
    """Return what has happened, oldest first; acceptance is told elsewhere."""
    told = [event_story(event, visible) for event in events if event.kind in _EVENTS]
    return tuple(
        sorted((*map(attempt_story, attempts), *told), key=lambda entry: entry.at),
    )


def with_ending(
    entries: Sequence[AttemptStory | EventStory], recipient: Recipient, accepted_at: datetime
) -> tuple[AttemptStory | EventStory | Ending, ...]:
    """Return the entries of a recipient, and among them when we gave up trying, if we did."""
    if recipient.status is not Status.EXPIRED:
        return tuple(entries)
    at, span = recipient.status_since, length(recipient.expires_at - accepted_at)
    ending = Ending(at, "Given up", f"We had tried for {span}, and do not try any longer.", "bad")
    # Of the same moment are the last attempt, before it, and the report on it.
    split = sum(isinstance(one, AttemptStory) or one.at < at for one in entries)
    return (*entries[:split], ending, *entries[split:])


def event_story(event: Event, visible: frozenset[MessageId]) -> EventStory:
    """Return one event for the timeline."""
    word, detail = _EVENTS[event.kind], event.detail
    if event.kind is EventKind.DSN_SENT:
        word, detail = _REPORTS.get(event.detail, (word, detail))
    related = event.related_message_id
    return EventStory(
        at=event.at,
        fact=event,
        word=word,
        detail=detail,
        tone="bad" if event.kind is EventKind.BOUNCED_LATER else "off",
        related=related if related in visible else None,
    )


def tell(
    timeline: Timeline,
    recipient: Recipient,
    *,
    retry: RetrySettings,
    times: Times,
    visible: frozenset[MessageId],
    hostname: str,
) -> Story:
    """Return the story of `recipient`; of other messages only those in `visible` are linked."""
    message, last = timeline.message, last_attempts(timeline)
    events = [e for e in timeline.events if e.recipient_id in (None, recipient.id)]
    attempts = [a for a in timeline.attempts if a.recipient_id == recipient.id]
    case = _case(message, recipient, attempts, events, times)
    rows = [
        _recipient_row(Case(one, message, last.get(one.id), times), current=one is recipient)
        for one in timeline.recipients
    ]
    return Story(
        message=message,
        subject=subject_of(message),
        sent_from=sender_of(message),
        recipient=recipient,
        recipients=tuple(sorted(rows, key=lambda row: (not row.current, _has_it(row.fact)))),
        accepted=sum(_has_it(one) for one in timeline.recipients),
        standing=standing_of(recipient, case.last),
        upcoming=_upcoming(recipient, times),
        is_ahead=not recipient.leased and (recipient.next_attempt_at or times.now) > times.now,
        spoken=spoken(case),
        last=case.last,
        lines=lines(case, report_words(events)),
        wait=wait_of(recipient, case.last, times),
        way=why_this_way(recipient, events, times),
        tries=tries_so_far(recipient),
        rungs=rungs_of(recipient, retry),
        entries=fold(
            with_ending(entries_of(attempts, events, visible), recipient, message.accepted_at)
        ),
        report_on=message.reports_on if message.reports_on in visible else None,
        onward=onward_of(message, recipient, case.last),
        text=five_lines(case),
        proof=proof(case, attempts, events, hostname=hostname),
        is_open=any(one.status in OPEN for one in timeline.recipients),
    )


def _case(
    message: Message,
    recipient: Recipient,
    attempts: Sequence[Attempt],
    events: Sequence[Event],
    times: Times,
) -> Case:
    reports = [event for event in events if event.kind is EventKind.BOUNCED_LATER]
    cancelled = [event for event in events if event.kind is EventKind.CANCELLED]
    return Case(
        recipient,
        message,
        attempts[-1] if attempts else None,
        times,
        returned=reports[-1] if reports else None,
        cancelled=cancelled[-1] if cancelled else None,
        is_doubtful=any(one.outcome is Outcome.UNCERTAIN for one in attempts[:-1]),
    )


def _has_it(recipient: Recipient) -> bool:
    return recipient.status is Status.DELIVERED and recipient.returned_at is None


def _upcoming(recipient: Recipient, times: Times) -> str:
    if recipient.status not in OPEN or recipient.status is Status.HELD:
        return ""
    return upcoming(recipient, times)


def _recipient_row(case: Case, *, current: bool) -> RecipientRow:
    return RecipientRow(
        fact=case.recipient,
        standing=standing_of(case.recipient, case.last),
        status=status_line(case.recipient, case.message, case.last, case.times),
        words=headline(case.last)
        if case.last is not None
        else why_it_waits(case.recipient, None, case.times.now),
        current=current,
    )
