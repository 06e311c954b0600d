"""When a deferred recipient is tried again: the curve is a list (RFC 5321 4.5.4).

The panel shows the same curve that the relay follows, so it lives below both. Waits count from
the present, never from acceptance: a clock that jumps back makes nothing due and expires
nothing, one that jumps forward makes each recipient due once.
"""

import re
from datetime import datetime, timedelta

from config.settings import RetrySettings

_SHORTEST_STATED = timedelta(minutes=1)
_LONGEST_STATED = timedelta(hours=1)
_SLACK = timedelta(minutes=10)
_HURRIED = 3
"""Attempts after which a server's stated wait no longer shortens ours: "try again in 60 seconds"
for seven days must not make ten thousand attempts."""

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
_CLOCK = re.compile(
    r"\b(?:in|for|after|wait|another|within)\s{1,3}(\d{1,2}):(\d{2})(?::(\d{2}))?(?![\d:])",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"\b(?:in|for|after|wait|another|within|least)\s{1,3}(\d{1,5})\s{0,3}"
    r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r"\bretry(?:-after)?\s{0,3}[=:]\s{0,3}(\d{1,5})\s{0,3}"
    r"(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)?\b",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"again|retry|gr[ae]y|come back|wait|later|resend|resubmit|temporar|delay|defer", re.IGNORECASE
)


def next_attempt_at(
    retry: RetrySettings,
    *,
    expires_at: datetime,
    attempts: int,
    now: datetime,
    jitter: float,
    stated: timedelta | None = None,
) -> datetime | None:
    """Return when a recipient that has had `attempts` attempts is tried again.

    None when its deadline has come: it expires. The last try is exactly at the deadline.
    `jitter` is in [0, 1); 0.5 leaves the wait as it is. `stated` is what the server asked for
    (see `stated_wait`).
    """
    if now >= expires_at:
        return None
    wait = _step(retry.schedule, attempts)
    if stated is not None and (stated > wait or attempts <= _HURRIED):
        # Never before the time that the server named, or greylisting begins again.
        wait = stated + stated * (retry.jitter * jitter)
    else:
        wait = _spread(wait, retry.jitter, jitter)
    return min(now + wait, expires_at)


def ladder(
    retry: RetrySettings,
    *,
    expires_at: datetime,
    attempts: int,
    next_attempt: datetime,
    limit: int = 100,
) -> list[datetime]:
    """Return the tries that are planned after `attempts` attempts, without jitter.

    It begins with `next_attempt`, which is on record, and ends with the deadline; of more than
    `limit` tries the last ones before the deadline are left out.
    """
    planned = [min(next_attempt, expires_at)]
    while planned[-1] < expires_at and len(planned) < limit - 1:
        attempts += 1
        planned.append(min(planned[-1] + _step(retry.schedule, attempts), expires_at))
    if planned[-1] < expires_at:
        planned.append(expires_at)
    return planned


def probe_at(retry: RetrySettings, *, failures: int, now: datetime, jitter: float) -> datetime:
    """Return when a destination is probed that could not be reached `failures` times in a row."""
    return now + _spread(_step(retry.destination_backoff, failures), retry.jitter, jitter)


def latest_next_try(retry: RetrySettings, now: datetime) -> datetime:
    """Return after when no try and no probe can be planned at `now`.

    What is later all the same was planned by a clock that was ahead, or by a longer schedule. A
    little more than the longest wait, as the clocks of several nodes differ a little.
    """
    longest = max(*retry.schedule, *retry.destination_backoff, _LONGEST_STATED)
    return now + longest + longest * retry.jitter + _SLACK


def stated_wait(text: str) -> timedelta | None:
    """Return the wait that a 4yz reply asks for, e.g. "greylisted, try again in 300 seconds".

    None when it names none; never less than a minute or more than an hour.
    """
    if not _AGAIN.search(text):
        return None
    found = _clock_wait(text) or _amount_wait(text)
    if found is None:
        return None
    return max(_SHORTEST_STATED, min(found, _LONGEST_STATED))


def _clock_wait(text: str) -> timedelta | None:
    match = _CLOCK.search(text)
    if match is None:
        return None
    if match[3] is None:
        return timedelta(minutes=int(match[1]), seconds=int(match[2]))
    return timedelta(hours=int(match[1]), minutes=int(match[2]), seconds=int(match[3]))


def _amount_wait(text: str) -> timedelta | None:
    match = _ASSIGNED.search(text) or _AMOUNT.search(text)
    if match is None:
        return None
    return int(match[1]) * _UNITS[(match[2] or "s")[0].lower()]


def _step(waits: tuple[timedelta, ...], count: int) -> timedelta:
    """Return the wait after the `count`-th time; the last one repeats."""
    return waits[max(0, min(count, len(waits)) - 1)]


def _spread(wait: timedelta, share: float, jitter: float) -> timedelta:
    return wait + wait * (share * (2 * jitter - 1))
