"""What is settled when deciding has failed."""

from datetime import timedelta

from relay.decide import record_only
from tests.support.clock import START
from tests.support.jobs import make_job, make_message, make_recipient
from tests.support.mail import make_attempt
from tracker.model import Gate, Outcome, Status

LATER = START + timedelta(hours=1)


def test_delivered_stays_delivered_and_all_others_wait_without_a_dsn() -> None:
    message = make_message()
    recipients = [make_recipient(message, f"{outcome}@example.org") for outcome in Outcome]
    job = make_job(message, *recipients)
    attempts = [
        make_attempt(recipient, outcome)
        for recipient, outcome in zip(recipients, Outcome, strict=True)
    ]
    settlement = record_only(job, attempts, now=START, until=LATER)
    assert settlement.attempts == tuple(attempts)
    assert (settlement.reports, settlement.events) == ((), ())
    for change, outcome in zip(settlement.changes, Outcome, strict=True):
        assert change.attempts == 1
        if outcome is Outcome.DELIVERED:
            assert (change.status, change.next_attempt_at) == (Status.DELIVERED, None)
        else:
            assert (change.status, change.next_attempt_at) == (Status.DEFERRED, LATER)
            assert change.gate is Gate.LOCAL
