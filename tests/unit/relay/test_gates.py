"""What stops mail for a group, and what is claimed meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
import pytest

from config.settings import DeliverySettings
from relay.gates import Gates
from tests.support.clock import START, FakeClock
from tests.support.outward import Octets, make_job
from tracker.model import Census, Gate, Job, Lease, LeaseToken, Postponement

GROUP = "example.net"
"""With one slot among two workers, the first has it."""
SECOND = timedelta(seconds=1)


def census(workers: int) -> Census:
    """Return a census of that many workers, with the tokens 0, 1…"""
    return Census(
        now=START,
        leases=tuple(
            Lease(
                token=LeaseToken(str(number)),
                node="a",
                worker=number,
                opened_at=START,
                renewed_at=START,
                until=START + SECOND,
            )
            for number in range(workers)
        ),
    )


def make_gates(
    clock: FakeClock, rank: int = 0, workers: int = 1, *, most: int = 20, rate: int = 0
) -> Gates:
    settings = DeliverySettings(concurrency_initial=most, concurrency_max=most, rate_max=rate)
    gates = Gates(settings, clock)
    gates.rebalance(census(workers), LeaseToken(str(rank)))
    return gates


@asynccontextmanager
async def passage(gates: Gates, group: str, job: Job) -> AsyncIterator[Postponement | None]:
    """Be inside of `gates`, or learn why not."""
    stopped = await gates.enter(group, job)
    try:
        yield stopped
    finally:
        if stopped is None:
            gates.leave(group)


async def try_to_pass(gates: Gates, job: Job) -> Postponement | None:
    async with passage(gates, GROUP, job) as stopped:
        return stopped


def fresh(job: Job) -> Job:
    """Return `job` as of a message that has just been accepted."""
    return msgspec.structs.replace(job, content=Octets(), is_fresh=True)


async def test_where_there_is_no_limit_in_the_way_mail_goes() -> None:
    gates = make_gates(FakeClock())
    for _ in range(100):
        assert await try_to_pass(gates, make_job("a@b.example")) is None
    assert gates.closed == frozenset()


async def test_a_worker_without_a_share_leaves_it_to_another_until_the_census_changes() -> None:
    gates = make_gates(FakeClock(), rank=1, workers=2, most=1)
    stopped = await try_to_pass(gates, make_job("a@b.example"))
    assert stopped is not None
    assert (stopped.gate, stopped.until) == (Gate.CONCURRENCY, START)
    assert "other workers" in stopped.detail
    assert gates.closed == {"b.example"}
    gates.rebalance(census(1), LeaseToken("gone"))
    assert gates.closed == {"b.example"}, "a census without us says nothing"
    gates.rebalance(census(1), LeaseToken("0"))
    assert gates.closed == frozenset()
    assert await try_to_pass(gates, make_job("a@b.example")) is None


async def test_who_waits_is_sent_away_when_the_share_goes() -> None:
    clock = FakeClock()
    gates = make_gates(clock, most=1)
    async with passage(gates, GROUP, make_job("a@b.example")) as stopped:
        assert stopped is None
        waiting = asyncio.create_task(try_to_pass(gates, make_job("c@d.example")))
        await asyncio.sleep(0)
        gates.rebalance(census(2), LeaseToken("1"))
        given_back = await waiting
    assert given_back is not None
    assert given_back.gate is Gate.CONCURRENCY
    assert gates.closed == {"d.example"}


async def test_the_rate_is_kept_and_the_destination_passed_over_meanwhile() -> None:
    clock = FakeClock()
    gates = make_gates(clock, rate=10)
    jobs = [make_job(f"a@{number}.example") for number in range(3)]
    results = [await try_to_pass(gates, job) for job in jobs]
    assert results[0] is None
    assert [(each.gate, each.until) for each in results[1:] if each] == [
        (Gate.RATE, START + 6 * SECOND),
        (Gate.RATE, START + 12 * SECOND),
    ]
    assert results[1] is not None
    assert results[1].detail == "example.net gets at most 10 messages a minute"
    clock.advance(5 * SECOND)
    assert gates.closed == {"1.example", "2.example"}
    clock.advance(SECOND)
    assert gates.closed == frozenset()
    assert await try_to_pass(gates, jobs[1]) is None


async def test_new_mail_queues_up_behind_what_waits() -> None:
    clock = FakeClock()
    gates = make_gates(clock, rate=10)
    for _ in range(3):
        await try_to_pass(gates, make_job("a@b.example"))
    clock.advance(6 * SECOND)
    stopped = await try_to_pass(gates, fresh(make_job("new@b.example")))
    assert stopped is not None
    assert stopped.until == START + 18 * SECOND
    assert await try_to_pass(gates, make_job("a@b.example")) is None


async def test_what_was_claimed_with_its_content_has_waited_too() -> None:
    clock = FakeClock()
    gates = make_gates(clock, rate=10)
    for _ in range(3):
        await try_to_pass(gates, make_job("a@b.example"))
    clock.advance(6 * SECOND)
    claimed = msgspec.structs.replace(make_job("old@b.example"), content=Octets())
    assert await try_to_pass(gates, claimed) is None


async def test_nobody_is_told_to_come_after_the_deadline() -> None:
    gates = make_gates(FakeClock(), rate=1)
    job = make_job("a@b.example")
    soon = [msgspec.structs.replace(each, expires_at=START + SECOND) for each in job.recipients]
    assert await try_to_pass(gates, job) is None
    stopped = await try_to_pass(gates, msgspec.structs.replace(job, recipients=tuple(soon)))
    assert stopped is not None
    assert stopped.until == START + SECOND


async def test_while_one_waits_for_a_connection_no_tokens_are_laid_aside() -> None:
    clock = FakeClock()
    gates = make_gates(clock, most=1, rate=10)
    async with passage(gates, GROUP, make_job("a@b.example")):
        clock.advance(6 * SECOND)
        waiting = [
            asyncio.create_task(try_to_pass(gates, make_job("a@b.example"))) for _ in range(3)
        ]
        await asyncio.sleep(0)
        clock.advance(60 * SECOND)
    results = await asyncio.gather(*waiting)
    assert [result is None for result in results] == [True, False, False]


@pytest.mark.parametrize(("most", "workers"), [(1, 4), (3, 4), (20, 4)])
async def test_the_rate_is_used_up_by_those_who_have_connections(most: int, workers: int) -> None:
    """A worker that cannot send keeps no tokens from those that can."""
    clock = FakeClock()
    cluster = [make_gates(clock, rank, workers, most=most, rate=600) for rank in range(workers)]
    sent = 0
    for _ in range(60):
        clock.advance(SECOND)
        for gates in cluster:
            for _ in range(20):
                sent += await try_to_pass(gates, make_job("a@b.example")) is None
    assert 600 <= sent <= 660


async def test_a_destination_may_have_moved_to_another_group() -> None:
    clock = FakeClock()
    gates = make_gates(clock, rank=1, workers=2, most=1)
    await try_to_pass(gates, make_job("a@b.example"))
    clock.advance(timedelta(minutes=5) - SECOND)
    assert gates.closed == {"b.example"}
    clock.advance(SECOND)
    assert gates.closed == frozenset(), "it is looked at once more"


async def test_what_is_passed_over_is_bounded() -> None:
    gates = make_gates(FakeClock(), rank=1, workers=2, most=1)
    for number in range(10_001):
        await try_to_pass(gates, make_job(f"a@{number}.example"))
    assert len(gates.closed) == 10_000


class HurriedClock(FakeClock):
    """A clock that moves on by `step` whenever it is looked at."""

    step = timedelta()

    def monotonic(self) -> float:
        now = super().monotonic()
        self.advance(self.step)
        return now


async def test_a_token_that_comes_just_now_opens_no_way_past_the_connections() -> None:
    clock = HurriedClock()
    gates = make_gates(clock, most=1, rate=60)
    while await try_to_pass(gates, make_job("a@b.example")) is None:
        pass
    clock.advance(SECOND)
    async with passage(gates, GROUP, make_job("a@b.example")) as stopped:
        assert stopped is None
        clock.step = SECOND
        second = await try_to_pass(gates, make_job("c@b.example"))
        assert second is not None, "the only connection is in use"
        assert second.gate is Gate.RATE
