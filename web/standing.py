"""Where a recipient stands, in the words, shapes and tones that people see. Pure.

"Accepted" is what the next server said and all that can be known; the panel never says that
mail is in somebody's inbox.
"""

from typing import Final, NamedTuple, assert_never

from tracker.model import Attempt, Message, Origin, Outcome, Recipient, Status
from tracker.states import OPEN
from web.times import Times, length


class Standing(NamedTuple):
    """A word, a shape and a tone: each says it alone, for those who miss the other two."""

    word: str
    shape: str
    """Name of the symbol."""
    tone: str
    """Name of the colour: good, warn, bad, wait, odd, off."""


ACCEPTED: Final = Standing("Accepted", "check", "good")
TEMPORARY: Final = Standing("Temporarily rejected", "retry", "warn")
PERMANENT: Final = Standing("Permanently rejected", "cross", "bad")
WAITING: Final = Standing("Waiting", "clock", "wait")
TRYING: Final = Standing("Being tried now", "send", "wait")
HELD: Final = Standing("Held", "pause", "wait")
CANCELLED: Final = Standing("Cancelled", "stop", "off")
RETURNED: Final = Standing("Accepted, then returned", "return", "bad")
UNCERTAIN: Final = Standing("Uncertain", "question", "odd")
NOT_REACHED: Final = Standing("Not reached", "retry", "warn")
NOT_TRIED: Final = Standing("Could not be tried", "retry", "warn")
STOPPED: Final = Standing("Not tried", "stop", "off")

_STATUS: Final = {
    Status.QUEUED: WAITING,
    Status.DEFERRED: TEMPORARY,
    Status.HELD: HELD,
    Status.DELIVERED: ACCEPTED,
    Status.BOUNCED: PERMANENT,
    Status.EXPIRED: PERMANENT,
    Status.CANCELLED: CANCELLED,
}


def standing_of(recipient: Recipient, last: Attempt | None) -> Standing:
    """Return where `recipient` stands after `last`, its latest attempt."""
    if recipient.status is Status.QUEUED and recipient.leased:
        return TRYING
    if recipient.status is Status.DELIVERED and recipient.returned_at is not None:
        return RETURNED
    if recipient.status in OPEN and last is not None and last.outcome is Outcome.UNCERTAIN:
        return UNCERTAIN
    return _STATUS[recipient.status]


def outcome_of(attempt: Attempt) -> Standing:
    """Return how one attempt ended."""
    if not attempt.is_try and attempt.origin is not Origin.LOCAL:
        return STOPPED
    match attempt.outcome:
        case Outcome.DELIVERED:
            return ACCEPTED
        case Outcome.FAILED:
            return PERMANENT
        case Outcome.UNCERTAIN:
            return UNCERTAIN
        case Outcome.DEFERRED:
            if attempt.origin is Origin.NETWORK:
                return NOT_REACHED
            return NOT_TRIED if attempt.origin is Origin.LOCAL else TEMPORARY
        case _:
            assert_never(attempt.outcome)


def status_line(recipient: Recipient, message: Message, last: Attempt | None, times: Times) -> str:
    """Return the recipient's delivery status in half a line."""
    match recipient.status:
        case Status.DELIVERED:
            returned = recipient.returned_at
            return "Message accepted" + (
                f", then returned {times.at(returned)}" if returned else ""
            )
        case Status.BOUNCED:
            return "Permanently rejected"
        case Status.EXPIRED:
            lifetime = length(recipient.expires_at - message.accepted_at)
            return f"Permanently rejected: given up after {lifetime}"
        case Status.CANCELLED:
            return "Cancelled: it is not sent"
        case Status.HELD:
            return "Held: nothing is tried until it is released"
        case Status.QUEUED | Status.DEFERRED:
            return f"{standing_of(recipient, last).word}; {next_step(recipient, times)}"
        case _:
            assert_never(recipient.status)


def next_step(recipient: Recipient, times: Times) -> str:
    """Return what comes next for an open recipient, with the clock time."""
    if recipient.leased:
        return "a try is under way right now"
    if recipient.next_attempt_at is None:
        return "no try is planned"
    if recipient.next_attempt_at <= times.now:
        return "the next try is due now"
    when = recipient.next_attempt_at
    return f"next try {times.at(when)} ({times.ahead(when)})"


def upcoming(recipient: Recipient, times: Times) -> str:
    """Return `next_step` as the beginning of a sentence."""
    words = next_step(recipient, times)
    return words[:1].upper() + words[1:]
