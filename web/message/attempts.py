"""One attempt as the page of a message tells it: hosts, dialogue, encryption. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from tracker.explain import explain, headline
from tracker.model import Attempt, Phase, Reply, Step, TargetTry, Trigger
from web.message.protection import Protection, protection_of
from web.standing import Standing, outcome_of

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
TRIGGERS: Final[Mapping[Trigger, str]] = {
    Trigger.ACCEPTED: "at once after acceptance",
    Trigger.SCHEDULE: "on schedule",
    Trigger.RETRY_NOW: "because somebody asked for it",
    Trigger.RESTART: "after the relay was restarted",
    Trigger.DEADLINE: "because its deadline came while it was held",
    Trigger.CANCEL: "to tell its sender that it was cancelled",
}
_HEADLINE_WORDS: Final = " Remote host said: "
_CODE: Final = re.compile(r"^[245]\.\d{1,3}\.\d{1,3}(?:\s+|$)")
"""What a sentence of ours may begin with; the headline has it at its end."""
_NO_COMMAND: Final = "(connected)"
_NO_WORDS: Final = "No reason was recorded"


class StepRow(NamedTuple):
    """One command of the dialogue and what came back."""

    command: str
    reply: Reply | None
    took: str
    """Milliseconds."""
    is_slowest: bool


class Dialogue(NamedTuple):
    """What was said on one connection."""

    steps: tuple[StepRow, ...]
    total: str
    """Milliseconds of all steps."""


class TryStory(NamedTuple):
    """One target of an attempt."""

    fact: TargetTry
    where: str
    """ "mx1.example.org [198.51.100.25]:25"."""
    ending: str
    """How it ended, in half a line that is never empty."""
    phase: str
    took: str
    protection: Protection | None
    dialogue: Dialogue | None


class AttemptStory(NamedTuple):
    """One attempt in the timeline."""

    at: datetime
    fact: Attempt
    standing: Standing
    headline: str
    """Our words; those of the server are `fact.reply`."""
    detail: str
    """Our own sentence, where the headline has not got it."""
    plain: str
    """What happened, for people who know nothing of mail."""
    who: str
    """Who can fix it."""
    trigger: str
    took: str
    protection: Protection | None
    """Of the connection that decided."""
    tries: tuple[TryStory, ...]


def milliseconds(spent: float) -> str:
    """Return "0.4", "12" or "30,000": as exact as it is of use, and never zero for a time."""
    return f"{max(spent, 0.1):.1f}" if 0 < spent < 1 else f"{spent:,.0f}"


def where(tried: TargetTry) -> str:
    """Return host, address and port of a target on one line."""
    return f"{tried.target.host} [{tried.target.address}]:{tried.target.port}"


def deciding(attempt: Attempt) -> TargetTry | None:
    """Return the try that decided the outcome; None when no host was reached."""
    if attempt.target is None:
        return None
    met = [one for one in attempt.tries if one.target == attempt.target and not one.skipped]
    return met[-1] if met else None


def attempt_story(attempt: Attempt) -> AttemptStory:
    """Return one attempt for the timeline."""
    span = attempt.ended_at - attempt.started_at
    explanation, decided = explain(attempt), deciding(attempt)
    told = headline(attempt).partition(_HEADLINE_WORDS)[0]
    return AttemptStory(
        at=attempt.started_at,
        fact=attempt,
        standing=outcome_of(attempt),
        headline=told,
        detail="" if _CODE.sub("", attempt.detail).rstrip(".") in told else attempt.detail,
        plain=explanation.what_happened,
        who=explanation.who_can_fix,
        trigger=TRIGGERS[attempt.trigger],
        took=milliseconds(span.total_seconds() * 1000),
        protection=None if decided is None else protection_of(decided),
        tries=tuple(try_story(one) for one in attempt.tries),
    )


def try_story(tried: TargetTry) -> TryStory:
    """Return one target for the timeline."""
    return TryStory(
        fact=tried,
        where=where(tried),
        ending=_ending(tried),
        phase=PHASES[tried.phase],
        took=milliseconds(tried.milliseconds),
        protection=protection_of(tried),
        dialogue=dialogue_of(tried.steps),
    )


def dialogue_of(steps: Sequence[Step]) -> Dialogue | None:
    """Return the table of steps, the slowest of several marked; None when nothing was said."""
    if not steps:
        return None
    slowest = max(range(len(steps)), key=lambda number: steps[number].milliseconds)
    return Dialogue(
        steps=tuple(
            StepRow(
                command=step.command or _NO_COMMAND,
                reply=step.reply,
                took=milliseconds(step.milliseconds),
                is_slowest=len(steps) > 1 and number == slowest,
            )
            for number, step in enumerate(steps)
        ),
        total=milliseconds(sum(step.milliseconds for step in steps)),
    )


def _ending(tried: TargetTry) -> str:
    if tried.skipped:
        return f"Passed over: {tried.detail or _NO_WORDS.lower()}"
    if tried.detail:
        return tried.detail
    if tried.reply is None:
        return f"No answer while {PHASES[tried.phase]}"
    return f"{tried.reply.code} {tried.reply.enhanced_status_code or ''}".strip()
