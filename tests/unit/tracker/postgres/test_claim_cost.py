"""What claiming costs however much is on record: entries of tables and indexes that are read.

The statements are prepared while the queue is empty, and nobody analyzes it: the worst that the
planner can know.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import asyncpg
import pytest
from msgspec.structs import replace

from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission, mint
from tracker.model import DestinationChange, Job, LeaseToken, Outcome
from tracker.postgres import PostgresLedger, open_ledger
from tracker.postgres.claim import Call, claim
from tracker.postgres.connections import Transaction
from tracker.postgres.link import Link, connect
from tracker.postgres.schedule import lower_next_due, recheck
from tracker.sql.values import stamp

HOUR = timedelta(hours=1)
DEAD = "dead.example"
FEW, MANY = 10, 3000

_READ = """
SELECT sum(pg_stat_get_xact_tuples_returned(oid))::bigint FROM pg_class
WHERE oid IN ('queue'::regclass, 'destinations'::regclass, 'leases'::regclass)
    OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid IN
               ('queue'::regclass, 'destinations'::regclass, 'leases'::regclass))
"""


class Claimer:
    """Claims on one connection, whose plans were made when nothing waited."""

    def __init__(self, link: Link, lease: LeaseToken) -> None:
        self._link = link
        self.lease = lease

    async def cost(self, step: Callable[[Transaction], Awaitable[object]]) -> int:
        """Return how many entries `step` reads; nothing of it stays."""
        await self._link.execute("BEGIN")
        before = (await self._link.rows(_READ))[0][0]
        await step(Transaction(self._link))
        after = (await self._link.rows(_READ))[0][0]
        await self._link.execute("ROLLBACK")
        return int(after - before)

    def claim(
        self, now: datetime, limit: int = 5
    ) -> Callable[[Transaction], Awaitable[Sequence[Job]]]:
        """Return a step that claims."""
        call = Call(self.lease, mint(), stamp(now), limit, (), stamp(now))
        return partial(claim, call=call, again=False)

    async def claimed(self, now: datetime, limit: int = 5) -> tuple[int, int]:
        """Return how many recipients a claim finds, and what it costs."""
        found: list[Job] = []

        async def step(transaction: Transaction) -> None:
            found.extend(await self.claim(now, limit)(transaction))

        cost = await self.cost(step)
        return sum(len(job.recipients) for job in found), cost


@pytest.fixture
async def ledger(url: str, outside: asyncpg.Connection) -> AsyncIterator[PostgresLedger]:
    await outside.execute("ALTER TABLE queue SET (autovacuum_enabled = off)")
    await outside.execute("ALTER TABLE destinations SET (autovacuum_enabled = off)")
    await outside.execute("VACUUM queue, destinations")  # so that they count as empty
    ledger = await open_ledger(url, trusts_caller=True)
    yield ledger
    await ledger.close()


@pytest.fixture(params=["direct", "pooled"])
async def claimer(
    request: pytest.FixtureRequest, url: str, ledger: PostgresLedger
) -> AsyncIterator[Claimer]:
    # Through a pooler a connection does not begin with our settings.
    link = await connect(url, pooled=request.param == "pooled")
    await link.execute("SET plan_cache_mode = force_generic_plan")
    lease = await ledger.open_lease("node", 1, START, HOUR)
    claimer = Claimer(link, lease.token)
    assert await claimer.claimed(START) == (0, 1)
    yield claimer
    await link.close()


async def accept(ledger: PostgresLedger, domain: str, count: int) -> None:
    await ledger.accept(make_submission(*(f"u{n}@{domain}" for n in range(count))), START, None)


async def kill(ledger: PostgresLedger, lease: LeaseToken) -> None:
    """Make DEAD unreachable for an hour."""
    accepted = await ledger.accept(make_submission(f"probe@{DEAD}"), START, lease)
    dead = DestinationChange(
        destination=DEAD, at=START, reachable=False, next_probe_at=START + HOUR
    )
    settlement = make_settlement(accepted.jobs[0], Outcome.DEFERRED, wait=HOUR)
    await ledger.settle(replace(settlement, destination=dead))


CASES = {"shut": (timedelta(), 0), "probe due": (HOUR, 5), "deadline": (timedelta(days=8), 5)}


@pytest.mark.parametrize(("after", "expected"), CASES.values(), ids=CASES.keys())
async def test_a_dead_destination_costs_the_same_however_many_wait(
    ledger: PostgresLedger, claimer: Claimer, after: timedelta, expected: int
) -> None:
    costs: list[int] = []
    for waiting in (FEW, MANY):
        await accept(ledger, DEAD, waiting)
        if not costs:
            await kill(ledger, claimer.lease)
        found, cost = await claimer.claimed(START + after)
        assert found == expected
        costs.append(cost)
    assert costs[1] <= costs[0] + 30


async def test_a_claim_costs_what_it_takes_not_what_waits(
    ledger: PostgresLedger, claimer: Claimer
) -> None:
    costs = []
    for waiting in (FEW, MANY):
        await accept(ledger, "alive.example", waiting)
        found, cost = await claimer.claimed(START)
        assert found == 5
        costs.append(cost)
    assert costs[1] <= costs[0] + 10


async def test_a_claim_costs_the_same_however_many_destinations_have_mail(
    ledger: PostgresLedger, claimer: Claimer
) -> None:
    costs = []
    for destinations in (FEW, 1000):
        names = [f"u@d{n}.of{destinations}.example" for n in range(destinations)]
        await ledger.accept(make_submission(*names), START, None)
        found, cost = await claimer.claimed(START)
        assert found == 5
        costs.append(cost)
    assert costs[1] <= costs[0] + 10


async def test_what_is_under_way_costs_a_claim_nothing(
    ledger: PostgresLedger, claimer: Claimer
) -> None:
    await accept(ledger, "alive.example", FEW)
    _, before = await claimer.claimed(START)
    names = [f"u{n}@{domain}.example" for n in range(1000) for domain in ("alive", "other")]
    for lease in (claimer.lease, (await ledger.open_lease("node", 2, START, HOUR)).token):
        await ledger.accept(make_submission(*names), START, lease)
    found, cost = await claimer.claimed(START)
    assert found == 5
    assert cost <= before + 10


@pytest.mark.parametrize("claimer", ["direct"], indirect=True)
async def test_bounds_cost_the_same_however_much_waits(
    ledger: PostgresLedger, claimer: Claimer, outside: asyncpg.Connection
) -> None:
    bounds = {"alive.example": stamp(START) - 1, DEAD: stamp(START) - 1, "new.example": 0}
    lower, again = partial(lower_next_due, due=bounds), partial(recheck, now=stamp(START))
    costs: list[tuple[int, int]] = []
    for waiting in (FEW, MANY):
        names = [f"u{n}@{name}" for n in range(waiting) for name in ("alive.example", DEAD)]
        await ledger.accept(make_submission(*names), START, None)
        others = [f"u@d{n}.of{waiting}.example" for n in range(waiting)]
        await ledger.accept(make_submission(*others), START, None)
        if not costs:
            await kill(ledger, claimer.lease)
        await outside.execute(
            "UPDATE destinations SET recheck_at = 0 WHERE destination = ANY ($1)", list(bounds)
        )
        costs.append((await claimer.cost(lower), await claimer.cost(again)))
    assert costs[1][0] <= costs[0][0] + 10
    assert costs[1][1] <= costs[0][1] + 10
