"""Leases: renewed, given back, taken over; and what a stale one may still do (nothing)."""

from datetime import timedelta
from importlib.metadata import version

import pytest
from msgspec.structs import replace

from tests.contract.ledger import (
    EVERYTHING,
    LEASE_FOR,
    Ledger,
    accept_leased,
    assert_balanced,
    defer,
    hold,
    paths,
    recipients,
)
from tests.contract.test_many_at_once import add_anna, cancel_and_tell
from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission, mint
from tracker.model import (
    Census,
    EventKind,
    Gate,
    Lease,
    LeaseToken,
    Load,
    Origin,
    Outcome,
    Phase,
    Postponement,
    Status,
    Trigger,
)
from tracker.search import Query
from tracker.store import LeaseLost

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
MILLISECOND = timedelta(milliseconds=1)


async def test_a_lease_is_on_record_until_it_is_closed(ledger: Ledger) -> None:
    lease = await ledger.open_lease("node-a", 3, START, LEASE_FOR)
    assert lease == Lease(
        token=lease.token,
        node="node-a",
        worker=3,
        version=version("sendtrace"),
        opened_at=START,
        renewed_at=START,
        until=START + LEASE_FOR,
    )
    other = await ledger.open_lease("node-b", 1, START, LEASE_FOR)
    assert lease.token != other.token
    assert set((await ledger.census(START)).leases) == {lease, other}
    await ledger.close_lease(lease.token, START)
    assert (await ledger.census(START)).leases == (other,)
    with pytest.raises(LeaseLost):
        await ledger.renew(lease.token, START, LEASE_FOR, Load())


async def test_renewing_says_what_is_carried_and_who_else_holds(ledger: Ledger) -> None:
    lease = await ledger.open_lease("node-a", 3, START, LEASE_FOR)
    other = await ledger.open_lease("node-b", 1, START + MILLISECOND, 2 * LEASE_FOR)
    later = START + LEASE_FOR / 2
    load = Load(jobs=7, clients=3)
    renewed = replace(lease, renewed_at=later, until=later + MINUTE, load=load)
    census = await ledger.renew(lease.token, later, MINUTE, load)
    assert census == Census(now=later, leases=(renewed, other))
    assert await ledger.census(later) == census
    again = await ledger.renew(lease.token, later, MINUTE, Load())
    assert again.leases[0].load == Load()


async def test_a_lease_that_has_run_out_is_on_record_and_not_alive(ledger: Ledger) -> None:
    lease = await ledger.open_lease("node-a", 3, START, LEASE_FOR)
    other = await ledger.open_lease("node-b", 1, START + MILLISECOND, 2 * LEASE_FOR)
    almost = await ledger.census(lease.until - MICROSECOND)
    assert almost.alive == (lease, other)
    census = await ledger.census(lease.until)
    assert census.leases == (lease, other)
    assert census.alive == (other,)
    later = await ledger.renew(lease.token, lease.until, LEASE_FOR, Load())
    assert [each.token for each in later.alive] == [lease.token, other.token]


async def test_a_lease_renewed_since_it_was_seen_is_not_taken_over(ledger: Ledger) -> None:
    seen = await ledger.open_lease("node-a", 0, START, LEASE_FOR)
    await ledger.renew(seen.token, START + MINUTE, LEASE_FOR, Load())
    later = START + 10 * MINUTE
    assert await ledger.recover(seen.token, (), later, seen_until=seen.until) == 0
    (renewed,) = (await ledger.census(later)).leases
    await ledger.recover(seen.token, (), later, seen_until=renewed.until)
    assert (await ledger.census(later)).leases == ()


async def test_closing_gives_back_what_is_still_held(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    later = START + MINUTE
    await ledger.close_lease(job.lease, later)
    assert await ledger.next_due() == later
    (again,) = await ledger.claim(await hold(ledger), later, 10)
    assert again.recipients[0].attempts == 0
    assert again.trigger is Trigger.ACCEPTED
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    assert [event.kind for event in timeline.events] == [EventKind.ACCEPTED]


async def test_closing_an_unknown_lease_is_nothing(ledger: Ledger) -> None:
    await ledger.close_lease(LeaseToken(mint()), START)


async def test_recover_makes_the_untried_due_and_counts_no_attempt(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    later = START + MINUTE
    assert await ledger.recover(job.lease, [], later) == 1
    assert (await ledger.census(later)).leases == ()
    (again,) = await ledger.claim(await hold(ledger), later, 10)
    (recipient,) = again.recipients
    assert (recipient.attempts, recipient.status) == (0, Status.QUEUED)
    assert again.trigger is Trigger.RESTART
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    assert timeline.attempts == ()
    event = timeline.events[-1]
    assert event.kind is EventKind.RELAY_RESTARTED
    assert (event.at, event.recipient_id, event.actor) == (later, recipient.id, "")
    assert event.detail


async def test_recover_records_the_doubtful_as_uncertain(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await defer(ledger, job, START, wait=MINUTE)
    later = START + 2 * MINUTE
    (job,) = await ledger.claim(await hold(ledger), later, 10)
    (doubtful,) = job.recipients
    assert await ledger.recover(job.lease, [doubtful.id], later) == 1
    (again,) = await ledger.claim(await hold(ledger), later, 10)
    (recipient,) = again.recipients
    assert (recipient.attempts, recipient.status) == (2, Status.DEFERRED)
    assert again.trigger is Trigger.RESTART
    timeline = await ledger.timeline(job.message.id, EVERYTHING)
    assert timeline is not None
    attempt = timeline.attempts[-1]
    assert attempt.number == 2
    assert attempt.outcome is Outcome.UNCERTAIN
    assert (attempt.origin, attempt.phase) == (Origin.LOCAL, Phase.FINAL_DOT)
    assert attempt.trigger is Trigger.SCHEDULE
    assert attempt.node == "node-a"
    assert attempt.detail == (
        "The relay stopped during the attempt; the remote server may have the message"
    )
    assert [event.kind for event in timeline.events] == [EventKind.ACCEPTED]
    page = await ledger.search(Query(), EVERYTHING, limit=1)
    assert page.rows[0].last_attempt == attempt


@pytest.mark.parametrize("is_known", [True, False], ids=["in flight", "nobody knows"])
async def test_the_doubtful_may_be_held_instead(ledger: Ledger, is_known: bool) -> None:
    lease = await hold(ledger)
    await ledger.accept(make_submission("a@one.example", "b@two.example"), START, lease)
    doubtful, other = await recipients(ledger)
    uncertain = [doubtful.id] if is_known else None
    later = START + MINUTE
    assert await ledger.recover(lease, uncertain, later, holds=True) == 2
    doubtful, other = await recipients(ledger)
    assert (doubtful.status, doubtful.status_since) == (Status.HELD, later)
    assert (doubtful.attempts, doubtful.next_attempt_at) == (1, None)
    assert (doubtful.gate, doubtful.leased) == (Gate.HOLD, False)
    assert "second copy" in doubtful.gate_detail
    assert other.status is (Status.QUEUED if is_known else Status.HELD)
    jobs = await ledger.claim(await hold(ledger), later, 10)
    assert paths(jobs) == (["b@two.example"] if is_known else [])
    released = await ledger.change_status(
        [doubtful.id], Status.QUEUED, scope=EVERYTHING, actor="a@example.com", reason="", now=later
    )
    assert released == 1
    (job,) = await ledger.claim(await hold(ledger), later, 10)
    assert (paths([job]), job.trigger) == (["a@one.example"], Trigger.RETRY_NOW)
    await assert_balanced(ledger)


async def test_who_is_cancelled_is_not_held_when_the_worker_dies(ledger: Ledger) -> None:
    await ledger.accept(make_submission(), START, None)
    (recipient,) = await recipients(ledger)
    await add_anna(ledger)
    await cancel_and_tell(ledger, recipient.id, START)
    (job,) = await ledger.claim(await hold(ledger), START, 10)
    assert await ledger.recover(job.lease, None, START, holds=True) == 1
    (again,) = await ledger.claim(await hold(ledger), START, 10)
    assert again.trigger is Trigger.CANCEL


async def test_recover_takes_the_untried_and_the_doubtful_apart(ledger: Ledger) -> None:
    lease = await hold(ledger)
    submission = make_submission("a@one.example", "b@two.example", "c@three.example")
    await ledger.accept(submission, START, lease)
    doubtful = [each.id for each in await recipients(ledger) if each.domain == "two.example"]
    assert await ledger.recover(lease, doubtful, START + MINUTE) == 3
    attempts = {each.domain: each.attempts for each in await recipients(ledger)}
    assert attempts == {"one.example": 0, "two.example": 1, "three.example": 0}
    assert len(await ledger.claim(await hold(ledger), START + MINUTE, 10)) == 3
    await assert_balanced(ledger)


async def test_recover_doubts_everybody_when_nobody_knows(ledger: Ledger) -> None:
    lease = await hold(ledger)
    await ledger.accept(make_submission("a@one.example", "b@two.example"), START, lease)
    assert await ledger.recover(lease, None, START + MINUTE) == 2
    page = await ledger.search(Query(), EVERYTHING, limit=5)
    assert {row.last_attempt and row.last_attempt.outcome for row in page.rows} == {
        Outcome.UNCERTAIN
    }
    await assert_balanced(ledger)


async def test_recover_leaves_what_others_hold(ledger: Ledger) -> None:
    (mine,) = await accept_leased(ledger)
    (other,) = await accept_leased(ledger)
    theirs = [recipient.id for recipient in other.recipients]
    assert await ledger.recover(mine.lease, theirs, START) == 1
    await ledger.settle(make_settlement(other))
    (untouched,) = (each for each in await recipients(ledger) if each.id in theirs)
    assert untouched.attempts == 1


async def test_a_lease_is_recovered_once(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    doubtful = [job.recipients[0].id]
    assert await ledger.recover(job.lease, doubtful, START) == 1
    assert await ledger.recover(job.lease, doubtful, START) == 0
    (recipient,) = await recipients(ledger)
    assert recipient.attempts == 1


async def test_a_worker_that_was_thought_dead_can_change_nothing(ledger: Ledger) -> None:
    (job,) = await accept_leased(ledger)
    await ledger.recover(job.lease, [], START)
    (again,) = await ledger.claim(await hold(ledger), START, 10)
    why = Postponement(gate=Gate.LOCAL, until=START, detail="no free descriptors")
    with pytest.raises(LeaseLost):
        await ledger.settle(make_settlement(job))
    with pytest.raises(LeaseLost):
        await ledger.postpone(job.lease, [job.recipients[0].id], why)
    with pytest.raises(LeaseLost):
        await ledger.claim(job.lease, START, 10)
    with pytest.raises(LeaseLost):
        await ledger.accept(make_submission(), START, job.lease)
    await ledger.close_lease(job.lease, START)
    assert await recipients(ledger) == list(again.recipients)
    await ledger.settle(make_settlement(again))


async def test_postpone_gives_back_all_or_nothing(ledger: Ledger) -> None:
    (mine,) = await accept_leased(ledger)
    (other,) = await accept_leased(ledger)
    why = Postponement(gate=Gate.LOCAL, until=START, detail="no free descriptors")
    ids = [mine.recipients[0].id, other.recipients[0].id]
    with pytest.raises(LeaseLost):
        await ledger.postpone(mine.lease, ids, why)
    assert await ledger.claim(await hold(ledger), START, 10) == []
    assert paths([mine]) == ["bob@example.org"]
    await ledger.settle(make_settlement(mine))
