"""What one copies from the page: the classic five lines, and the proof for the other side. Pure.

The proof is for whoever runs the other server: its own words, its own queue id, when by which
clock, from where and how protected, so that it can be found in a log over there.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from tracker.explain import headline
from tracker.model import Attempt, Event, EventKind, TargetTry
from web.message.attempts import PHASES, deciding, milliseconds, where
from web.message.protection import protection_of
from web.message.verdict import Case, why_it_waits
from web.standing import status_line
from web.times import Times, count
from web.track.rows import sender_of, subject_of

EARLIER: Final = 10
"""Earlier attempts that a proof names."""


def five_lines(case: Case) -> str:
    """Return the classic form, for an e-mail or a ticket."""
    words = (
        headline(case.last)
        if case.last is not None
        else why_it_waits(case.recipient, None, case.times.now)
    )
    status = status_line(case.recipient, case.message, case.last, case.times)
    accepted = f"{case.times.full(case.message.accepted_at)} - {subject_of(case.message)}"
    found = (
        ("Date and subject", accepted),
        ("Sent from", sender_of(case.message)),
        ("Sent to", case.recipient.forward_path),
        ("Recipient's delivery status", status),
        ("Message delivery status", words),
    )
    return "\n".join(f"{name}: {' '.join(value.split())}" for name, value in found)


def proof(
    case: Case, attempts: Sequence[Attempt], events: Sequence[Event], *, hostname: str
) -> str:
    """Return the evidence about one recipient; `attempts` are its own, oldest first."""
    return "\n".join(_lines(case, attempts, events, hostname))


def _lines(
    case: Case, attempts: Sequence[Attempt], events: Sequence[Event], hostname: str
) -> Iterator[str]:
    message, recipient, times = case.message, case.recipient, case.times
    yield f"Delivery record of {hostname}"
    yield f"Our id: {message.id}"
    yield f"Message-ID: {_angle(message.header.message_id) or '(none)'}"
    yield f"Envelope sender: {message.reverse_path or '<> (null reverse-path)'}"
    yield f"Envelope recipient: {recipient.forward_path}"
    yield f"Size: {count(message.size, 'byte')}"
    yield f"Accepted by us: {_exact(message.accepted_at, times)}"
    yield f"Status: {status_line(recipient, message, case.last, times)}"
    if attempts and not attempts[-1].is_try:
        yield from ("", f"Not tried any more, {_exact(attempts[-1].ended_at, times)}:")
        yield attempts[-1].detail or headline(attempts[-1])
    tries = [one for one in attempts if one.is_try]
    if tries:
        yield from _attempt(tries[-1], times)
    yield from _earlier(tries[:-1], times)
    for event in events:
        if event.kind is EventKind.BOUNCED_LATER:
            yield from ("", f"Returned afterwards, {_exact(event.at, times)}:", event.detail)


def _attempt(attempt: Attempt, times: Times) -> Iterator[str]:
    yield ""
    yield f"Attempt {attempt.number}"
    yield f"Began: {_exact(attempt.started_at, times)}"
    yield f"Ended: {_exact(attempt.ended_at, times)}"
    decided = deciding(attempt)
    if decided is None:
        yield f"No host of {attempt.destination} answered: {attempt.detail or headline(attempt)}"
        yield from _tries("Host", attempt.tries)
        return
    yield from _tries("Other host", [one for one in attempt.tries if one is not decided])
    yield from _decided(attempt, decided)


def _decided(attempt: Attempt, decided: TargetTry) -> Iterator[str]:
    yield f"Your server: {_where(decided)}"
    yield f"Our server: {decided.source_address or '(not recorded)'}" + (
        f", introduced as {decided.ehlo_name}" if decided.ehlo_name else ""
    )
    protection = protection_of(decided)
    if protection is not None:
        yield f"Protection: {protection.words}"
        if protection.certificate:
            yield f"TLS: {protection.certificate}"
    if attempt.reply is None:
        yield f"Your server did not answer while {PHASES[attempt.phase]}: " + (
            attempt.detail or headline(attempt)
        )
    else:
        yield f"Your server's words while {PHASES[attempt.phase]}:"
        yield attempt.reply.text
        if attempt.reply.truncated:
            yield "[cut: the server said more]"
    if attempt.remote_queue_id:
        yield f"Your queue id: {attempt.remote_queue_id}"


def _tries(name: str, tries: Sequence[TargetTry]) -> Iterator[str]:
    for one in tries:
        words = one.words or "no answer"
        told = "passed over" if one.skipped else f"after {milliseconds(one.milliseconds)} ms"
        yield f"{name}: {_where(one)}, {told}: {words}"


def _earlier(attempts: Sequence[Attempt], times: Times) -> Iterator[str]:
    if not attempts:
        return
    yield ""
    yield f"Earlier attempts: {len(attempts)}"
    if len(attempts) > EARLIER:
        yield f"(the last {EARLIER} of them)"
    for one in attempts[-EARLIER:]:
        target = one.target.host if one.target else one.destination
        words = one.words or headline(one)
        yield f"{_exact(one.ended_at, times)}  {target}: {' '.join(words.split())}"


def _where(tried: TargetTry) -> str:
    preference = tried.target.preference
    return where(tried) if preference is None else f"{where(tried)} (MX preference {preference})"


def _angle(message_id: str) -> str:
    return message_id and f"<{message_id}>"


def _exact(when: datetime, times: Times) -> str:
    """Return the time on the viewer's clock and in UTC, to the millisecond."""
    utc = when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{times.full(when)} = {utc}"
