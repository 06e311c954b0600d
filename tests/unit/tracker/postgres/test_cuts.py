"""Connections that break at any moment, again and again, under load."""

import asyncio
import random

import asyncpg
import pytest

from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission
from tests.unit.tracker.postgres.proxy import Proxy
from tracker.model import Job, LeaseToken, MessageId, Outcome
from tracker.postgres import PostgresLedger, open_ledger
from tracker.store import StoreUnavailable

_CLIENTS = 8
_MESSAGES = 8
_SIZES = (10, 5_000, 5_000, 100_000, 1_200_000)
_OUTCOMES = (Outcome.DELIVERED, Outcome.DELIVERED, Outcome.DEFERRED, Outcome.FAILED)

_KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.5
"""


class Life:
    """Clients that hand in messages and settle them, whatever happens to the connections."""

    def __init__(self, ledger: PostgresLedger, lease: LeaseToken, chance: random.Random) -> None:
        self._ledger = ledger
        self._lease = lease
        self._chance = chance
        self.accepted: set[MessageId] = set()
        self.refused: set[MessageId] = set()
        self.settled: dict[str, Outcome] = {}

    async def run_client(self) -> None:
        """Carry some messages from accept to settle."""
        done = 0
        while done < _MESSAGES:
            submission = make_submission(content=bytes(self._chance.choice(_SIZES)))
            try:
                (job,) = (await self._ledger.accept(submission, START, self._lease)).jobs
            except StoreUnavailable:
                self.refused.add(submission.id)
                await asyncio.sleep(0.05)
                continue
            self.accepted.add(submission.id)
            await self._settle(job)
            done += 1

    async def _settle(self, job: Job) -> None:
        """As the relay does it: until the ledger takes it."""
        outcome = self._chance.choice(_OUTCOMES)
        settlement = make_settlement(job, outcome)
        while True:
            try:
                await self._ledger.settle(settlement)
            except StoreUnavailable:
                await asyncio.sleep(0.05)
            else:
                break
        (attempt,) = settlement.attempts
        self.settled[attempt.id] = outcome


async def break_connections(
    proxy: Proxy, outside: asyncpg.Connection, chance: random.Random
) -> None:
    """Do something bad every few milliseconds."""
    while True:
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        kind = chance.random()
        if kind < 0.4:
            proxy.cut()
        elif kind < 0.8:
            await outside.fetch(_KILL)
        else:
            await proxy.refuse()
            await asyncio.sleep(chance.uniform(0.0, 0.3))
            await proxy.listen()


@pytest.mark.parametrize("patience", [30.0, 0.0], ids=["patient", "impatient"])
async def test_nothing_is_lost_or_double_or_refused_and_there(
    proxied_url: str,
    proxy: Proxy,
    outside: asyncpg.Connection,
    patience: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PostgresLedger, "patience", patience)
    lease = LeaseToken("lease")
    await outside.execute(
        "INSERT INTO leases VALUES ($1, 'node-a', 1, '1', 0, 0, $2, 0, 0, 0)", lease, 2**60
    )
    seed = random.randrange(2**32)
    print(f"{seed=}")
    chance = random.Random(seed)
    ledger = await open_ledger(proxied_url, trusts_caller=True)
    life = Life(ledger, lease, chance)
    breaking = asyncio.create_task(break_connections(proxy, outside, chance))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_CLIENTS):
                group.create_task(life.run_client())
    finally:
        breaking.cancel()
        await asyncio.gather(breaking, return_exceptions=True)
        await proxy.restore()
    await ledger.close()  # and what must be withdrawn has been

    assert len(life.accepted) == _CLIENTS * _MESSAGES
    there = {row[0] for row in await outside.fetch("SELECT id FROM messages")}
    assert life.accepted - there == set(), "lost"
    assert life.refused & there == set(), "refused, and yet there"
    assert there == life.accepted
    attempts = [tuple(row) for row in await outside.fetch("SELECT id, outcome FROM attempts")]
    assert sorted(attempts) == sorted(life.settled.items()), "every attempt once"
    assert len(attempts) == len(there)
    assert await outside.fetchval("SELECT count(*) FROM queue WHERE lease IS NOT NULL") == 0
