"""When it is tried again, and why it waits until then. Pure."""

from datetime import datetime
from typing import Final, NamedTuple

from config.settings import RetrySettings
from tracker.model import Attempt, Gate, Recipient, Status
from tracker.schedule import ladder
from tracker.states import OPEN
from web.message.verdict import gate_of, why_it_waits
from web.times import Times, count

RUNGS: Final = 100
"""Planned tries that are shown."""
_NO_TRY: Final = "This uses up no try."


class Rung(NamedTuple):
    """One try of the retry ladder."""

    at: datetime
    is_next: bool
    is_last: bool


class Wait(NamedTuple):
    """Why an open recipient waits right now, and what would end it."""

    why: str
    ends: str


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


def tries_so_far(recipient: Recipient) -> str:
    """Return "no try so far", "1 try so far" or "3 tries so far"."""
    made = recipient.attempts
    return f"{'no try' if not made else count(made, 'try').replace('trys', 'tries')} so far"


def wait_of(recipient: Recipient, last: Attempt | None, times: Times) -> Wait | None:
    """Return why `recipient` waits; None when it is final."""
    if recipient.status not in OPEN:
        return None
    return Wait(why_it_waits(recipient, last, times.now), _what_ends_it(recipient, times))


def _what_ends_it(recipient: Recipient, times: Times) -> str:
    if recipient.leased:
        return "It ends with the answer of the other server."
    if recipient.status is Status.HELD:
        until = times.at(recipient.expires_at)
        return f"Somebody has to release it or cancel it. It is given up {until}."
    at = _next(recipient, times)
    match gate_of(recipient, times.now):
        case Gate.DESTINATION:
            return f"{at}; if it answers, all mail for it goes on at once."
        case Gate.CONCURRENCY:
            return f"It goes on when one of our connections is free. {_NO_TRY}"
        case Gate.RATE:
            return f"It goes on when the limit has room again. {at}. {_NO_TRY}"
        case Gate.DNS:
            return f"It goes on when the resolver answers again. {at}. {_NO_TRY}"
        case Gate.LOCAL:
            return f"Our operators have to mend it. {at}. {_NO_TRY}"
        case Gate.BACK_OFF:
            return f"{at}, or earlier when somebody asks for it."
        case _:
            return "It goes out as soon as a worker takes it up, usually within seconds."


def _next(recipient: Recipient, times: Times) -> str:
    """Return the beginning of a sentence about the next try."""
    when = recipient.next_attempt_at
    noun = "probe" if recipient.gate is Gate.DESTINATION else "try"
    if when is None or when <= times.now:
        return f"The next {noun} is due now"
    return f"The next {noun} is {times.at(when)}"
