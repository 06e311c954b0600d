"""The part for people: what happened, the server's exact words, what to do, what we did."""

import textwrap
from collections.abc import Iterable, Iterator
from datetime import timedelta

from relay.dsn.fields import format_time
from relay.dsn.report import Action, Report, Reported
from relay.dsn.wire import show
from tracker.explain import Explanation, explain
from tracker.model import Attempt

_WIDTH = 72
_INDENT = "    "
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_SUBJECTS = {
    Action.FAILED: "Undelivered mail",
    Action.DELAYED: "Delayed mail",
    Action.RELAYED: "Mail handed on",
}


def subject_of(report: Report) -> str:
    """Return the subject of the DSN, with that of the message behind it."""
    original = " ".join(report.message.header.subject.split())
    return f"{_SUBJECTS[report.action]}: {original}" if original else _SUBJECTS[report.action]


def write_prose(report: Report) -> str:
    """Return the human-readable part, in CRLF lines."""
    lines = [
        f"This is the mail server {show(report.reporting_mta)}.",
        "",
        *_fill(_opening(report)),
        "",
        *_fill(f"Subject:  {show(report.message.header.subject) or '(no subject)'}", _INDENT),
        f"{_INDENT}Accepted: {format_time(report.message.accepted_at)}",
        f"{_INDENT}Our id:   {report.message.id}",
    ]
    for reported in report.recipients:
        lines += ["", f"<{show(reported.recipient.forward_path)}>", ""]
        lines += _recipient(report, reported)
    return "\r\n".join([*lines, ""])


def _opening(report: Report) -> str:
    whom = _count(len(report.recipients), "recipient")
    match report.action:
        case Action.FAILED:
            return f"Your message could not be delivered to {whom}, named below."
        case Action.DELAYED:
            return (
                f"Your message has not been delivered yet to {whom}, named below. We keep "
                "trying; you need not send it again."
            )
        case Action.RELAYED:
            return (
                f"Your message was handed on for {whom}, named below. The next mail server does "
                "not confirm deliveries, so you will hear no more unless something fails."
            )


def _recipient(report: Report, reported: Reported) -> Iterator[str]:
    explanation = explain(reported.attempt, given_up=reported.expired, book=report.book)
    yield from _section("What happened:", _happened(report, reported, explanation))
    yield from _words(reported.attempt)
    if report.action is not Action.RELAYED:
        advice = (explanation.what_you_can_do, f"Who can fix it: {explanation.who_can_fix}")
        yield from _section("What you can do now:", advice)
    yield from _section("What we did:", _deeds(report, reported))


def _happened(report: Report, reported: Reported, explanation: Explanation) -> Iterator[str]:
    if reported.expired:
        waited = reported.recipient.expires_at - report.message.accepted_at
        yield f"We gave up after {describe_duration(waited)}; last reason: {_reason(reported)}"
    yield explanation.what_happened
    if reported.may_have_copy:
        yield (
            "In one attempt no clear answer came after the whole message had been sent, so the "
            "recipient may have a copy."
        )


def _reason(reported: Reported) -> str:
    return show(reported.attempt.words.partition("\n")[0])


def _words(attempt: Attempt) -> Iterator[str]:
    """Yield the reply word for word: indented, so that no line of it begins one of ours."""
    where = f" from {_server(attempt)}" if attempt.target else ""
    if attempt.reply is None:
        yield from _section("What our server noted:", [attempt.detail])
        return
    yield f"  The server's exact words{where}:"
    yield from (f"{_INDENT}{show(line)}" for line in attempt.reply.text.split("\n"))
    if attempt.reply.truncated:
        yield f"{_INDENT}(The reply was longer; this is its beginning.)"
    yield ""
    if attempt.detail:
        yield from _section("What our server noted:", [attempt.detail])


def _server(attempt: Attempt) -> str:
    if attempt.target is None:
        return ""
    host, address = show(attempt.target.host), show(attempt.target.address)
    return host if host.strip("[]") == address else f"{host} [{address}]"


def _deeds(report: Report, reported: Reported) -> Iterator[str]:
    attempt = reported.attempt
    if report.action is Action.RELAYED:
        yield f"Handed on to {_server(attempt) or 'the next server'} at {_ended(attempt)}."
        return
    first = format_time(report.message.accepted_at)
    if not attempt.is_try:
        before = reported.recipient.attempts
        yield f"Tried {_count(before, 'time')} since {first}." if before else "It was never tried."
    elif attempt.number > 1:
        yield f"Tried {attempt.number} times, from {first} until {_ended(attempt)}."
    else:
        yield f"Tried once, at {_ended(attempt)}."
    if report.action is Action.FAILED:
        yield "We will not try again."
        return
    *tries, deadline = (format_time(moment) for moment in reported.planned)
    if tries:
        yield "We will try again at about"
        yield from tries
        yield "and so on. The last try is at"
    else:
        yield "The last try is at"
    yield f"{deadline}."


def _ended(attempt: Attempt) -> str:
    return format_time(attempt.ended_at)


def describe_duration(duration: timedelta) -> str:
    """Return `duration` in its largest unit that leaves nothing out, or the nearest below."""
    seconds = max(0, round(duration.total_seconds()))
    for unit, size in _UNITS:
        if seconds >= size and (seconds % size == 0 or seconds >= 3 * size):
            return _count(seconds // size, unit)
    return _count(seconds, "second")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _section(title: str, paragraphs: Iterable[str]) -> Iterator[str]:
    yield f"  {title}"
    for paragraph in paragraphs:
        yield from _fill(show(paragraph), _INDENT)
    yield ""


def _fill(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
