"""Whether a try now makes sense. Pure.

People press the button again and again; the receiver sees a sender that does not take no for an
answer, and blocks it. So what was tried a moment ago waits, and who asked us to slow down gets it.
"""

from datetime import datetime, timedelta

from config.settings import RetrySettings
from tracker.explain import Category, explain
from tracker.model import Attempt, Outcome, Recipient, Status, Trigger
from tracker.schedule import stated_wait
from tracker.states import OPEN
from tracker.views import DestinationState

_SLOWED = {
    Category.GREYLISTED: "the server asks everybody new to come back later",
    Category.RATE_LIMITED: "the server asked us to slow down",
    Category.RECIPIENT_THROTTLED: "the mailbox gets too much mail at the moment",
}
_SLOW_FOR = timedelta(hours=1)
"""How long such a request is heeded at most, before somebody may try all the same."""


def may_retry(
    recipient: Recipient,
    last: Attempt | None,
    destination: DestinationState | None,
    retry: RetrySettings,
    now: datetime,
) -> str | None:
    """Return why it is pointless to try `recipient` now; None when it is not.

    `last` is its latest attempt, `destination` what is known of where it goes.
    """
    return (
        _of_status(recipient, now)
        or _of_attempt(recipient, last, retry, now)
        or _of_destination(destination, retry, now)
    )


def _of_status(recipient: Recipient, now: datetime) -> str | None:
    if recipient.status not in OPEN:
        return "it is finished"
    if recipient.leased:
        return "it is being tried right now"
    if recipient.trigger is Trigger.CANCEL:
        return "it is being cancelled"
    if recipient.status is Status.HELD:
        return "it is held: release it instead"
    if recipient.next_attempt_at is not None and recipient.next_attempt_at <= now:
        return "it is due already and next in line"
    return None


def _of_attempt(
    recipient: Recipient, last: Attempt | None, retry: RetrySettings, now: datetime
) -> str | None:
    if last is None or last.outcome is Outcome.DELIVERED:
        return None
    since = last.ended_at
    if _is_ahead(since, retry, now):
        return None
    if now < since + retry.manual_pause:
        until = since + retry.manual_pause
        return f"it was tried {_ago(now - since)} ago: {_next(recipient, until, now)}"
    reply = last.reply
    stated = stated_wait(reply.text) if reply is not None and reply.code < 500 else None
    if stated is not None and now < since + stated:
        return f"the server named a time to wait: {_next(recipient, since + stated, now)}"
    slowed = _SLOWED.get(explain(last).category)
    until = min(recipient.next_attempt_at or since, since + _SLOW_FOR)
    if slowed and stated is None and now < until:
        return f"{slowed}: {_wait(until - now)}"
    return None


def _of_destination(
    destination: DestinationState | None, retry: RetrySettings, now: datetime
) -> str | None:
    if destination is None or destination.reachable or destination.last_failure_at is None:
        return None
    if _is_ahead(destination.last_failure_at, retry, now):
        return None
    until = destination.last_failure_at + retry.manual_pause
    if now < until:
        ago = _ago(now - destination.last_failure_at)
        return f"{destination.destination} did not answer {ago} ago: {_wait(until - now)}"
    return None


def _is_ahead(at: datetime, retry: RetrySettings, now: datetime) -> bool:
    """Say whether a clock must have been wrong: nobody waits until the right one has come there."""
    return at - now > retry.manual_pause


def _ago(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return "less than a minute" if minutes < 1 else _minutes(minutes)


def _next(recipient: Recipient, until: datetime, now: datetime) -> str:
    """Return what to do instead: nothing, where it is tried by itself sooner than it may be."""
    planned = recipient.next_attempt_at
    if planned is not None and planned <= until:
        return f"it is tried again by itself in {_at_most(planned - now)}"
    return _wait(until - now)


def _wait(span: timedelta) -> str:
    return f"try again in {_at_most(span)}"


def _at_most(span: timedelta) -> str:
    return _minutes(max(1, -(-int(span.total_seconds()) // 60)))


def _minutes(number: int) -> str:
    return "a minute" if number == 1 else f"{number} minutes"
