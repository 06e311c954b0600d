"""Whether a try now makes sense: a table."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from config.settings import RetrySettings
from tests.support.clock import START
from tests.support.jobs import make_message, make_recipient
from tests.support.mail import make_attempt
from tracker.acting import LIMITS, may_retry, parts_of, within_limit
from tracker.model import Attempt, Deed, Outcome, Recipient, Reply, Role, Status, Trigger
from tracker.views import DestinationState

RETRY = RetrySettings()
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NOW = START + 6 * MINUTE
"""Six minutes after the last try."""


def waiting(**fields: Any) -> Recipient:
    usual: dict[str, Any] = {
        "status": Status.DEFERRED,
        "attempts": 1,
        "next_attempt_at": START + 2 * HOUR,
        "expires_at": START + timedelta(days=5),
    }
    return replace(make_recipient(make_message()), **{**usual, **fields})


def tried(code: int, text: str, outcome: Outcome = Outcome.DEFERRED) -> Attempt:
    attempt = make_attempt(waiting(), outcome, now=START)
    reply = Reply(code=code, lines=(text,))
    return replace(attempt, reply=reply, started_at=START, ended_at=START)


FULL = tried(452, "4.2.2 Mailbox full")
GREYLISTED = tried(451, "4.7.1 Greylisted")
STATED = tried(451, "4.7.1 Greylisted, try again in 300 seconds")
LONG = tried(451, "4.7.1 Greylisted, try again in 20 minutes")
SLOWED = tried(421, "4.7.28 Our system has detected an unusual rate of mail, rate limited")


def unreachable(failed: timedelta) -> DestinationState:
    return DestinationState(
        destination="example.org",
        reachable=False,
        failures=3,
        since=START,
        next_probe_at=START + HOUR,
        detail="Connection refused",
        last_success_at=None,
        last_failure_at=START + failed,
        waiting=1,
        next_due_at=START + HOUR,
    )


@pytest.mark.parametrize(
    ("recipient", "last", "destination", "after", "reason"),
    [
        (waiting(), FULL, None, 6 * MINUTE, None),
        (waiting(), None, None, 6 * MINUTE, None),
        (waiting(status=Status.DELIVERED, next_attempt_at=None), None, None, HOUR, "finished"),
        (waiting(status=Status.CANCELLED, next_attempt_at=None), None, None, HOUR, "finished"),
        (waiting(leased=True), FULL, None, HOUR, "being tried right now"),
        (waiting(status=Status.HELD, next_attempt_at=None), FULL, None, HOUR, "held"),
        (waiting(trigger=Trigger.CANCEL), FULL, None, HOUR, "being cancelled"),
        (waiting(), FULL, None, 3 * HOUR, "due already"),
        (waiting(), FULL, None, 30 * MINUTE / 60, "tried less than a minute ago"),
        (waiting(), FULL, None, MINUTE, "tried a minute ago: try again in 4 minutes"),
        (waiting(), FULL, None, 4 * MINUTE, "tried 4 minutes ago: try again in a minute"),
        (
            waiting(next_attempt_at=START + 2 * MINUTE),
            FULL,
            None,
            MINUTE,
            "tried a minute ago: it is tried again by itself in a minute",
        ),
        (
            waiting(next_attempt_at=START + 5 * MINUTE),
            FULL,
            None,
            MINUTE,
            "tried a minute ago: it is tried again by itself in 4 minutes",
        ),
        (waiting(), FULL, None, 5 * MINUTE, None),
        # The clock was ahead when it was tried: that is no reason to wait until then.
        (waiting(), FULL, None, -MINUTE, "tried less than a minute ago"),
        (waiting(), FULL, None, -HOUR, None),
        (waiting(), LONG, None, -HOUR, None),
        (waiting(), FULL, unreachable(-MINUTE), -HOUR, None),
        (waiting(), GREYLISTED, None, 6 * MINUTE, "come back later: try again in 54 minutes"),
        (waiting(), GREYLISTED, None, HOUR, None),
        (waiting(next_attempt_at=START + 9 * MINUTE), GREYLISTED, None, 6 * MINUTE, "in 3 minutes"),
        (waiting(), STATED, None, 6 * MINUTE, None),
        (waiting(), LONG, None, 6 * MINUTE, "named a time to wait: try again in 14 minutes"),
        (waiting(), SLOWED, None, 6 * MINUTE, "asked us to slow down"),
        (waiting(), FULL, unreachable(4 * MINUTE), 6 * MINUTE, "example.org did not answer 2"),
        (waiting(), FULL, unreachable(MINUTE), 6 * MINUTE, None),
        (waiting(), FULL, replace(unreachable(5 * MINUTE), reachable=True), 6 * MINUTE, None),
        (waiting(), FULL, replace(unreachable(MINUTE), last_failure_at=None), 6 * MINUTE, None),
    ],
)
def test_a_try_makes_sense_or_there_is_a_reason(
    recipient: Recipient,
    last: Attempt | None,
    destination: DestinationState | None,
    after: timedelta,
    reason: str | None,
) -> None:
    said = may_retry(recipient, last, destination, RETRY, START + after)
    assert (said is None) == (reason is None), said
    assert reason is None or (said is not None and reason in said)


@pytest.mark.parametrize(
    ("deed", "changing"),
    [
        (Deed.RETRY, 3),
        (Deed.HOLD, 3),
        (Deed.RELEASE, 4),
        (Deed.CANCEL, 7),
        (Deed.SUPPRESS, 12),
        (Deed.REROUTE, 7),
    ],
)
def test_what_changes_is_told_before(deed: Deed, changing: int) -> None:
    counts = {Status.QUEUED: 1, Status.DEFERRED: 2, Status.HELD: 4, Status.DELIVERED: 5}
    parts = parts_of(deed, {**counts, Status.BOUNCED: 0})
    assert sum(part.number for part in parts) == 12
    assert sum(part.number for part in parts if not part.why_not) == changing
    assert [bool(part.why_not) for part in parts] == sorted(bool(p.why_not) for p in parts)


@pytest.mark.parametrize(
    ("role", "most"), [(Role.USER, 1_000), (Role.DOMAIN_ADMIN, 100_000), (Role.SUPPORT, 0)]
)
def test_a_role_has_its_limit(role: Role, most: int) -> None:
    assert within_limit(role, most)
    assert not within_limit(role, most + 1)


def test_every_role_has_a_limit_and_an_admin_none() -> None:
    assert set(LIMITS) == set(Role)
    assert within_limit(Role.ADMIN, 10_000_000)
