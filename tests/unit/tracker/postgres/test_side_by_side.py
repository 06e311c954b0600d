"""Everybody at once: workers of two nodes, people, and those who take over. Nothing gets lost."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta

import asyncpg
import pytest
from msgspec.structs import replace

from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tracker.model import (
    DestinationChange,
    Gate,
    Job,
    LeaseToken,
    Load,
    Outcome,
    Postponement,
    RecipientId,
    Scope,
    Settlement,
    Status,
)
from tracker.postgres import PostgresLedger, open_ledger
from tracker.store import LeaseLost

MINUTE = timedelta(minutes=1)
MESSAGES = 120
ROUNDS = 40
DESTINATIONS = [f"{name}.example" for name in ("one", "two", "three", "dead")]


@pytest.fixture
async def ledgers(url: str) -> AsyncIterator[list[PostgresLedger]]:
    """Two nodes."""
    opened = [await open_ledger(url, trusts_caller=True) for _ in range(2)]
    yield opened
    for ledger in opened:
        await ledger.close()


class Chaos:
    """Does things to mail, in an order that `chance` decides."""

    def __init__(self, ledger: PostgresLedger, chance: random.Random, ids: list[str]) -> None:
        self._ledger = ledger
        self._chance = chance
        self._ids = [RecipientId(each) for each in ids]
        self.lost = 0

    async def work(self, leases: list[LeaseToken]) -> None:
        """Be a worker: claim, and let each job end in one way or another."""
        for _ in range(ROUNDS):
            lease = (await self._ledger.open_lease("node", 1, START, MINUTE)).token
            leases.append(lease)
            try:
                jobs = await self._ledger.claim(lease, START, 10)
                ends = [self._end(job) for job in jobs]
                outcomes = await asyncio.gather(*ends, return_exceptions=True)
                for outcome in outcomes:
                    if isinstance(outcome, BaseException):
                        raise outcome
                await self._ledger.renew(lease, START, MINUTE, Load())
            except LeaseLost:
                self.lost += 1
            if self._chance.random() < 0.5:
                await self._ledger.close_lease(lease, START)

    async def meddle(self) -> None:
        """Be a person, or two."""
        for _ in range(ROUNDS):
            some = self._chance.sample(self._ids, 20)
            act = self._chance.choice([Status.HELD, Status.QUEUED, Status.CANCELLED, None])
            if act is None:
                await self._ledger.retry_now(some, scope=Scope(), actor="", now=START)
            else:
                few = some[:2] if act is Status.CANCELLED else some
                await self._ledger.change_status(
                    few, act, scope=Scope(), actor="", reason="", now=START
                )

    async def take_over(self, leases: list[LeaseToken]) -> None:
        """Think workers dead, whether they are or not."""
        for _ in range(ROUNDS):
            if leases:
                lease = self._chance.choice(leases)
                doubted = (
                    None if self._chance.random() < 0.5 else self._chance.sample(self._ids, 30)
                )
                await self._ledger.recover(lease, doubted, START)
            await self._ledger.give_up_held(START, 10)

    async def _end(self, job: Job) -> None:
        draw = self._chance.random()
        if draw < 0.2:
            ids = [recipient.id for recipient in job.recipients]
            why = Postponement(gate=Gate.LOCAL, until=START, detail="no room")
            await self._ledger.postpone(job.lease, ids, why)
        elif draw < 0.9:
            outcome = Outcome.DELIVERED if draw < 0.4 else Outcome.DEFERRED
            await self._ledger.settle(self._settlement(job, outcome))

    def _settlement(self, job: Job, outcome: Outcome) -> Settlement:
        settlement = make_settlement(job, outcome, wait=timedelta())
        if self._chance.random() < 0.5:
            return settlement
        reachable = outcome is Outcome.DELIVERED or job.destination != "dead.example"
        note = DestinationChange(
            destination=job.destination,
            at=START,
            reachable=reachable,
            failures=0 if reachable else 1,
            next_probe_at=None if reachable else START,
        )
        return replace(settlement, destination=note)


async def accept(ledger: PostgresLedger, chance: random.Random) -> int:
    count = 0
    for _ in range(MESSAGES):
        names = chance.choices(DESTINATIONS, k=chance.randint(1, 4))
        submission = make_submission(*(f"u{n}@{name}" for n, name in enumerate(names)))
        await ledger.accept(submission, START, None)
        count += len(names)
    return count


async def deliver_all(ledger: PostgresLedger, leases: list[LeaseToken], ids: list[str]) -> None:
    """Take over whatever is held, and deliver what can be claimed, visit by visit."""
    everybody = [RecipientId(each) for each in ids]
    for lease in leases:
        await ledger.recover(lease, [], START)
    later = START + 2 * MINUTE
    await ledger.change_status(
        everybody, Status.QUEUED, scope=Scope(), actor="", reason="", now=START
    )
    own = (await ledger.open_lease("node", 9, later, MINUTE)).token
    await ledger.renew(own, later, MINUTE, Load())
    for _ in range(MESSAGES):
        jobs = await ledger.claim(own, later, 100)
        if not jobs:
            break
        for job in jobs:
            alive = DestinationChange(destination=job.destination, at=later, reachable=True)
            settlement = make_settlement(job, now=later)
            await ledger.settle(replace(settlement, destination=alive))


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_lost_whoever_is_at_it(
    ledgers: list[PostgresLedger], outside: asyncpg.Connection, seed: int
) -> None:
    chance = random.Random(seed)
    accepted = await accept(ledgers[0], chance)
    ids = [row["id"] for row in await outside.fetch("SELECT id FROM queue ORDER BY id")]
    assert len(ids) == accepted
    leases: list[LeaseToken] = []
    actors = [Chaos(ledger, chance, ids) for ledger in ledgers]
    doings: list[Coroutine[None, None, None]] = []
    for actor in actors:
        doings += [actor.work(leases), actor.work(leases), actor.meddle(), actor.meddle()]
        doings += [actor.take_over(leases)]
    async with asyncio.TaskGroup() as group:
        for doing in doings:
            group.create_task(doing)
    await deliver_all(ledgers[0], leases, ids)
    rows = await outside.fetch("SELECT recipient_id, status FROM results")
    assert sorted(row["recipient_id"] for row in rows) == ids
    assert {row["status"] for row in rows} == {Status.DELIVERED, Status.CANCELLED}
    attempts = Counter(
        row["recipient_id"] for row in await outside.fetch("SELECT recipient_id FROM attempts")
    )
    counted = await outside.fetch("SELECT recipient_id, attempts FROM results")
    assert {row["recipient_id"]: row["attempts"] for row in counted} == {
        each: attempts[each] for each in ids
    }


async def test_nodes_share_what_waits_without_waiting(
    ledgers: list[PostgresLedger], outside: asyncpg.Connection
) -> None:
    for n in range(40):
        await ledgers[0].accept(
            make_submission(*(f"u{n}@d{k}.example" for k in range(10))), START, None
        )

    async def claim_all(ledger: PostgresLedger) -> list[str]:
        lease, taken = (await ledger.open_lease("node", 1, START, MINUTE)).token, list[str]()
        while await ledger.next_due() is not None:
            jobs = await ledger.claim(lease, START, 7)
            taken += [each.id for job in jobs for each in job.recipients]
        return taken

    taken = await asyncio.gather(*(claim_all(ledger) for ledger in ledgers * 3))
    assert sorted(each for some in taken for each in some) == [
        row["id"] for row in await outside.fetch("SELECT id FROM queue ORDER BY id")
    ]
    assert await outside.fetchval("SELECT count(*) FROM queue WHERE lease IS NULL") == 0
