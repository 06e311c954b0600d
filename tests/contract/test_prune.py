"""Prune: what is old and final goes, what is open stays, what was counted stays counted."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from msgspec.structs import replace

from tests.contract.ledger import (
    EVERYTHING,
    Ledger,
    accept_leased,
    assert_balanced,
    hold,
    recipients,
)
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import DestinationChange, Job, Status
from tracker.search import Query

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
TODAY = START.date()


async def prune_all(ledger: Ledger, before: date) -> int:
    """Prune in steps until nothing is left to drop; return how many messages went."""
    dropped = 0
    while step := await ledger.prune(before, 10):
        dropped += step
    return dropped


async def deliver(ledger: Ledger, job: Job) -> None:
    change = DestinationChange(destination=job.destination, at=START, reachable=True)
    await ledger.settle(replace(make_settlement(job), destination=change))


async def test_old_and_final_mail_goes_with_all_that_belongs_to_it(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await deliver(ledger, job)
    assert await ledger.prune(TODAY, 10) == 0
    assert await prune_all(ledger, TODAY + DAY) == 1
    assert await ledger.timeline(job.message.id, EVERYTHING) is None
    assert await recipients(ledger) == []
    (balance,) = await assert_balanced(ledger)
    assert (balance.accepted, balance.delivered) == (1, 1)


async def test_days_are_pruned_whole_and_end_at_midnight_utc(ledger: Ledger) -> None:
    midnight = datetime.combine(TODAY, time(), UTC)
    for at in (midnight - MICROSECOND, midnight, midnight + DAY - MICROSECOND, midnight + DAY):
        (job,) = await accept_leased(ledger, make_submission(now=at), at)
        await ledger.settle(make_settlement(job, now=at))
    assert await prune_all(ledger, TODAY) == 1
    left = [midnight + DAY, midnight + DAY - MICROSECOND, midnight]
    assert await accepted_at(ledger) == left
    assert await prune_all(ledger, TODAY + DAY) == 2
    assert await accepted_at(ledger) == left[:1]
    await assert_balanced(ledger)


async def accepted_at(ledger: Ledger) -> list[datetime]:
    """Return when what is on record was accepted, newest first."""
    page = await ledger.search(Query(), EVERYTHING, limit=10)
    return [row.message.accepted_at for row in page.rows]


@pytest.mark.parametrize("state", ["leased", "waiting", "held", "partly delivered"])
async def test_open_mail_stays_however_old(ledger: Ledger, state: str) -> None:
    jobs = await accept_leased(ledger, make_submission("a@one.example", "b@two.example"))
    if state == "partly delivered":
        await deliver(ledger, jobs[0])
    elif state != "leased":
        await ledger.close_lease(jobs[0].lease, START)
    if state == "held":
        ids = [recipient.id for recipient in await recipients(ledger)]
        await ledger.change_status(
            ids, Status.HELD, scope=EVERYTHING, actor="", reason="", now=START
        )
    before = await recipients(ledger)
    assert await prune_all(ledger, TODAY + 100 * DAY) == 0
    assert await recipients(ledger) == before
    await assert_balanced(ledger)


async def test_prune_goes_in_small_steps_and_passes_what_is_open(ledger: Ledger) -> None:
    await ledger.accept(make_submission("open@one.example"), START, None)
    for _ in range(5):
        names = [f"u{n}@one.example" for n in range(3)]
        (job,) = await accept_leased(ledger, make_submission(*names))
        await deliver(ledger, job)
    pruned = []
    while step := await ledger.prune(TODAY + DAY, 2):
        assert step <= 2
        pruned.append(step)
    assert sum(pruned) == 5
    (left,) = await recipients(ledger)
    assert left.forward_path == "open@one.example"
    await assert_balanced(ledger)


async def test_a_destination_that_nobody_writes_to_is_forgotten(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger, make_submission("u@past.example"))
    await deliver(ledger, job)
    await ledger.accept(make_submission("u@waiting.example"), START, None)
    later = START + DAY
    await prune_all(ledger, later.date())
    assert await ledger.destination("past.example") is None
    assert await ledger.destination("waiting.example") is not None
    assert len(await ledger.claim(await hold(ledger, later), later, 10)) == 1


async def test_a_destination_heard_of_lately_is_remembered(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await deliver(ledger, job)
    await prune_all(ledger, TODAY)
    state = await ledger.destination(job.destination)
    assert state is not None
    assert state.last_success_at == START
