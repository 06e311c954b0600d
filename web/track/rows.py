"""A row of the tracking list, ready for the template. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import urlencode

from tracker.explain import explain, headline, why_not_dialled
from tracker.model import (
    Attempt,
    Message,
    MessageId,
    MessageKind,
    Outcome,
    Recipient,
    RecipientId,
    Status,
)
from tracker.states import OPEN
from tracker.views import Row, Timeline
from web.help import anchor_of
from web.message.verdict import Case, Lines, lines, spoken
from web.standing import Standing, outcome_of, standing_of, status_line, upcoming
from web.times import Times
from web.track.alike import Alike, alike
from web.track.filters import Asked

_SHOWN: Final = 90
"""Characters of a reply in the list; the detail has all of them."""


class Tried(NamedTuple):
    """One host of an attempt, tried or passed over."""

    host: str
    words: str


class AttemptRow(NamedTuple):
    """One attempt in an opened row."""

    at: datetime
    standing: Standing
    headline: str
    tried: tuple[Tried, ...]
    """Filled where no host was reached: then each one's reason is the answer."""


class Detail(NamedTuple):
    """What an opened row tells."""

    spoken: str
    lines: Lines
    status: str
    attempts: tuple[AttemptRow, ...]
    """Newest first."""
    missing: int
    """Attempts that are on record and not among `attempts`."""


class TrackedRow(NamedTuple):
    """One recipient in the list."""

    id: RecipientId
    message_id: MessageId
    at: datetime
    subject: str
    sent_from: str
    sent_to: str
    others: int
    """Further recipients of the same message."""
    together: str
    """What became of the message, where it has several recipients; else empty."""
    standing: Standing
    last_words: str
    """What comes next, or what was said last; never empty."""
    alike: tuple[Alike, ...]
    help_url: str
    """Where its standing is explained."""
    detail: Detail
    opened: bool
    url: str
    """The whole story."""
    certificate: str
    """Where it is certified that the other server took it; empty where it has not."""


def sender_of(message: Message) -> str:
    """Return the reverse-path in words that are never empty."""
    if message.reverse_path:
        return message.reverse_path
    is_ours = message.kind is MessageKind.DSN
    return "<> (a report of this server)" if is_ours else "<> (null reverse-path)"


def subject_of(message: Message) -> str:
    """Return the subject in words that are never empty."""
    if message.header.subject.strip():
        return message.header.subject
    return "Delivery report" if message.kind is MessageKind.DSN else "(no subject)"


def story_url(recipient: Recipient) -> str:
    """Return where the whole story of a recipient is told."""
    return f"/messages/{recipient.message_id}?{urlencode({'recipient': recipient.id})}"


def certificate_url(recipient: Recipient) -> str:
    """Return where the handover certificate is; empty for what was not handed over."""
    if recipient.status is not Status.DELIVERED:
        return ""
    asked = urlencode({"recipient": recipient.id})
    return f"/messages/{recipient.message_id}/handover.pdf?{asked}"


def tried_of(attempt: Attempt) -> tuple[Tried, ...]:
    """Return the hosts of an attempt that reached none, each with its reason."""
    if attempt.reply is not None:
        return ()
    if why := why_not_dialled(attempt):
        return (Tried(host=attempt.destination, words=why),)
    return tuple(
        Tried(
            host=f"{one.target.host} [{one.target.address}]:{one.target.port}",
            words=_reason(one.skipped, one.words),
        )
        for one in attempt.tries
    )


def _reason(skipped: bool, words: str) -> str:
    return f"Not tried: {words}" if skipped else words


def attempt_row(attempt: Attempt) -> AttemptRow:
    """Return one attempt for an opened row."""
    return AttemptRow(
        at=attempt.ended_at,
        standing=outcome_of(attempt),
        headline=headline(attempt),
        tried=tried_of(attempt),
    )


def last_words(recipient: Recipient, last: Attempt | None, times: Times) -> str:
    """Return in half a line what comes next, or what was said last."""
    if recipient.status is Status.HELD:
        return recipient.gate_detail.strip() or "no reason was given"
    if recipient.status in OPEN:
        return f"{_why(recipient, last)} {upcoming(recipient, times)}".lstrip()
    if recipient.status is Status.CANCELLED:
        return "It is not sent"
    if last is None:
        return "It was never tried"
    if last.reply is None:
        return last.detail.strip() or outcome_of(last).word
    said = " ".join(f"{last.reply.code} {' '.join(last.reply.lines)}".split())
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN].rstrip()}…"


def _why(recipient: Recipient, last: Attempt | None) -> str:
    """Return why the last try failed; nothing where a try is under way, or nobody knows."""
    if recipient.leased or last is None or last.outcome is Outcome.UNCERTAIN:
        return ""
    return explain(last).what_happened


def together(row: Row, timeline: Timeline | None) -> str:
    """Return what became of a message with several recipients: "2 of 3 accepted"."""
    number = row.recipients_of_message
    if number < 2:
        return ""
    if timeline is None:
        return f"1 of {number:,} recipients"
    done = sum(one.status is Status.DELIVERED for one in timeline.recipients)
    return f"{done:,} of {number:,} accepted"


def tracked_row(
    row: Row, timelines: Mapping[MessageId, Timeline | None], times: Times, asked: Asked
) -> TrackedRow:
    """Return `row` with those of its attempts that are known, oldest first."""
    recipient, message = row.recipient, row.message
    attempts = attempts_of(row, timelines)
    known = attempts or ([row.last_attempt] if row.last_attempt else [])
    case = Case(recipient, message, row.last_attempt, times)
    return TrackedRow(
        id=recipient.id,
        message_id=message.id,
        at=message.accepted_at,
        subject=subject_of(message),
        sent_from=sender_of(message),
        sent_to=recipient.forward_path,
        others=row.recipients_of_message - 1,
        together=together(row, timelines.get(message.id)),
        standing=standing_of(recipient, row.last_attempt),
        last_words=last_words(recipient, row.last_attempt, times),
        alike=alike(row, asked.zone),
        help_url=f"/help#{anchor_of(standing_of(recipient, row.last_attempt))}",
        detail=Detail(
            spoken=spoken(case),
            lines=lines(case, ""),
            status=status_line(recipient, message, row.last_attempt, times),
            attempts=tuple(attempt_row(attempt) for attempt in reversed(known)),
            missing=untold(recipient, known),
        ),
        opened=recipient.id == asked.opened,
        url=story_url(recipient),
        certificate=certificate_url(recipient),
    )


def untold(recipient: Recipient, known: Sequence[Attempt]) -> int:
    """Return how often `recipient` was tried besides the attempts that are known."""
    return max(0, recipient.attempts - sum(attempt.is_try for attempt in known))


def attempts_of(row: Row, timelines: Mapping[MessageId, Timeline | None]) -> Sequence[Attempt]:
    """Return the attempts of a row's recipient, as far as its timeline has been fetched."""
    timeline = timelines.get(row.message.id)
    if timeline is None:
        return ()
    return [one for one in timeline.attempts if one.recipient_id == row.recipient.id]
