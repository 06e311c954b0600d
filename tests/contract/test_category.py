"""Why an attempt ended as it did is on record with it, and with its recipient."""

from datetime import timedelta

import pytest

from tests.contract.ledger import EVERYTHING, Ledger, accept_leased, defer, hold, recipients
from tests.support.clock import START
from tests.support.mail import make_settlement
from tracker.explain import judge
from tracker.model import Attempt, Outcome, Status
from tracker.search import Query

HOUR = timedelta(hours=1)

CATEGORIES = {
    Outcome.DELIVERED: "accepted",
    Outcome.DEFERRED: "greylisted",
    Outcome.FAILED: "address-unknown",
    Outcome.UNCERTAIN: "uncertain",
}


async def last_attempt(ledger: Ledger) -> Attempt:
    (row,) = (await ledger.search(Query(), EVERYTHING, limit=10)).rows
    assert row.last_attempt is not None
    return row.last_attempt


async def category(ledger: Ledger) -> str:
    """Return what is said of the only recipient on record."""
    (recipient,) = await recipients(ledger)
    return recipient.category


async def test_what_was_never_tried_has_none(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    assert [each.category for each in job.recipients] == [""]
    assert await category(ledger) == ""


@pytest.mark.parametrize(("outcome", "expected"), CATEGORIES.items())
async def test_a_settlement_says_why(ledger: Ledger, outcome: Outcome, expected: str) -> None:
    (job,) = await accept_leased(ledger)
    settlement = make_settlement(job, outcome)
    await ledger.settle(settlement)
    assert await category(ledger) == expected
    attempt = await last_attempt(ledger)
    assert (attempt.rule, attempt.category) == judge(settlement.attempts[0])
    assert attempt.category == expected


async def test_the_last_attempt_counts(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await defer(ledger, job, START, wait=HOUR)
    (again,) = await ledger.claim(await hold(ledger), START + HOUR, 1)
    assert [each.category for each in again.recipients] == ["greylisted"]
    await ledger.settle(make_settlement(again, Outcome.DELIVERED, now=START + HOUR))
    assert await category(ledger) == "accepted"


@pytest.mark.parametrize("to", [Status.HELD, Status.CANCELLED])
async def test_an_act_leaves_it(ledger: Ledger, to: Status) -> None:
    (job,) = await accept_leased(ledger)
    await defer(ledger, job, START, wait=HOUR)
    ids = [each.id for each in job.recipients]
    await ledger.change_status(ids, to, scope=EVERYTHING, actor="", reason="", now=START)
    assert [(each.status, each.category) for each in await recipients(ledger)] == [
        (to, "greylisted")
    ]


async def test_what_a_dead_worker_may_have_sent_is_uncertain(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await ledger.recover(job.lease, [each.id for each in job.recipients], START + HOUR)
    assert await category(ledger) == "uncertain"
    assert (await last_attempt(ledger)).category == "uncertain"
