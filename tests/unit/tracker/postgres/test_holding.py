"""What claims do while others work: nobody waits, nothing is overslept, one clock counts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission, mint
from tracker.model import LeaseToken, Load, Outcome, Scope
from tracker.postgres import PostgresLedger, open_ledger
from tracker.postgres.claim import Call, claim
from tracker.postgres.connections import Transaction
from tracker.postgres.link import connect
from tracker.postgres.schedule import RECHECKED
from tracker.sql.values import stamp
from tracker.store import LeaseLost

MINUTE = timedelta(minutes=1)
Opener = Callable[[], Awaitable[PostgresLedger]]
Claiming = Callable[[LeaseToken], AbstractAsyncContextManager[None]]


@pytest.fixture
async def opener(url: str) -> AsyncIterator[Opener]:
    """Opens the ledger, again and again."""
    opened: list[PostgresLedger] = []

    async def open_once_more() -> PostgresLedger:
        opened.append(await open_ledger(url, trusts_caller=True))
        return opened[-1]

    yield open_once_more
    for ledger in opened:
        await ledger.close()


@pytest.fixture
async def ledger(opener: Opener) -> PostgresLedger:
    return await opener()


@pytest.fixture
async def watching(url: str) -> AsyncIterator[asyncpg.Connection]:
    """One more connection, for looking while `outside` is in a transaction."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture
async def claiming(url: str) -> Claiming:
    """Makes a claim under a lease that is under way while the context lasts, then commits."""

    @asynccontextmanager
    async def claim_slowly(lease: LeaseToken) -> AsyncIterator[None]:
        link = await connect(url, pooled=False)
        try:
            await link.execute("BEGIN")
            call = Call(lease, mint(), stamp(START), 1, (), stamp(START))
            assert await claim(Transaction(link), call, again=False)
            yield
            await link.execute("COMMIT")
        finally:
            await link.close()

    return claim_slowly


async def hold(ledger: PostgresLedger, worker: int = 1) -> LeaseToken:
    return (await ledger.open_lease("node", worker, START, MINUTE)).token


async def accept(ledger: PostgresLedger, *forward_paths: str) -> None:
    await ledger.accept(make_submission(*forward_paths), START, None)


async def claimed(
    ledger: PostgresLedger, lease: LeaseToken, limit: int = 10, now: datetime = START
) -> list[str]:
    jobs = await ledger.claim(lease, now, limit)
    return sorted(each.forward_path for job in jobs for each in job.recipients)


# --- nobody waits ----------------------------------------------------------------------------


@pytest.fixture
async def impatient(opener: Opener, outside: asyncpg.Connection, database: str) -> PostgresLedger:
    """A ledger for which waiting for a lock is a fault."""
    await outside.execute(f'ALTER DATABASE "{database}" SET lock_timeout = 1')
    return await opener()


async def test_a_claim_skips_what_is_locked_and_finds_it_later(
    impatient: PostgresLedger, outside: asyncpg.Connection
) -> None:
    ledger = impatient
    await accept(ledger, "a@one.example", "b@one.example", "c@two.example")
    lease = await hold(ledger)
    async with outside.transaction():
        await outside.execute(
            "SELECT FROM destinations WHERE destination = 'two.example' FOR UPDATE"
        )
        await outside.execute(
            "SELECT FROM queue WHERE id = (SELECT id FROM recipients"
            " WHERE forward_path = 'a@one.example') FOR UPDATE"
        )
        assert await claimed(ledger, lease) == ["b@one.example"]
        assert await claimed(ledger, lease) == []
    assert await claimed(ledger, lease) == ["a@one.example", "c@two.example"]


async def test_a_low_bound_is_neither_written_nor_waited_for(
    impatient: PostgresLedger, outside: asyncpg.Connection
) -> None:
    ledger = impatient
    lease = await hold(ledger)
    await accept(ledger, "a@one.example", "b@one.example")
    await claimed(ledger, lease, limit=1)
    async with outside.transaction():
        await outside.execute("SELECT FROM destinations FOR UPDATE")
        await ledger.close_lease(lease, START + MINUTE)
        ids = [row["id"] for row in await outside.fetch("SELECT id FROM queue")]
        assert await ledger.retry_now(ids, scope=Scope(), actor="", now=START + MINUTE) == 2


async def test_mail_is_accepted_under_a_lease_that_claims(
    impatient: PostgresLedger, claiming: Claiming
) -> None:
    lease = await hold(impatient)
    await accept(impatient, "a@one.example")
    async with claiming(lease):
        assert (await impatient.accept(make_submission(), START, lease)).jobs


async def test_taking_over_waits_for_a_claim_that_is_under_way(
    ledger: PostgresLedger, claiming: Claiming, outside: asyncpg.Connection
) -> None:
    lease = await hold(ledger)
    await accept(ledger, "a@one.example")
    async with claiming(lease):
        taking = asyncio.create_task(ledger.recover(lease, [], START))
        blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not taking.done() and not await outside.fetchval(blocked):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await taking == 1


# --- nothing is overslept --------------------------------------------------------------------

_GIVE_BACK = "UPDATE queue SET lease = NULL, next_attempt_at = $1 WHERE lease = $2"


async def test_what_a_claim_could_not_see_is_found_by_the_next_renewals(
    ledger: PostgresLedger, outside: asyncpg.Connection
) -> None:
    lease, other = await hold(ledger), await hold(ledger, 2)
    await accept(ledger, "a@one.example", "b@one.example")
    assert await claimed(ledger, other, limit=1) == ["a@one.example"]
    due = START + 2 * MINUTE
    transaction = outside.transaction()
    await transaction.start()
    # Somebody gives it back, relying on a bound that is low, and has not committed yet.
    await outside.execute(_GIVE_BACK, stamp(due), other)
    assert await claimed(ledger, lease, limit=1) == ["b@one.example"]
    await claimed(ledger, lease)
    assert await ledger.next_due() is None
    await ledger.renew(lease, START + MINUTE, MINUTE, Load())
    await ledger.renew(lease, START + 2 * MINUTE, MINUTE, Load())
    assert await ledger.next_due() is None
    await transaction.commit()
    await ledger.renew(lease, START + 3 * MINUTE, MINUTE, Load())
    assert await ledger.next_due() == due
    assert await claimed(ledger, lease, now=due) == ["a@one.example"]


async def test_a_bound_is_looked_at_until_all_who_saw_it_are_done_and_no_longer(
    ledger: PostgresLedger, outside: asyncpg.Connection, watching: asyncpg.Connection
) -> None:
    lease = await hold(ledger)
    await accept(ledger, "a@one.example")
    await outside.execute("CREATE TABLE somebody ()")
    transaction = outside.transaction()
    await transaction.start()
    await outside.execute("INSERT INTO somebody DEFAULT VALUES")
    await claimed(ledger, lease)
    pending = []
    for minutes in range(6):
        if minutes == 4:
            await transaction.commit()
        await ledger.renew(lease, START + minutes * MINUTE, MINUTE, Load())
        pending.append(await watching.fetchval("SELECT recheck_at IS NOT NULL FROM destinations"))
    assert pending == [True, True, True, True, False, False]


async def test_bounds_are_rechecked_a_part_at_a_time(
    ledger: PostgresLedger, outside: asyncpg.Connection
) -> None:
    count = RECHECKED + 10
    await accept(ledger, *(f"u@d{n}.example" for n in range(count)))
    lease = await hold(ledger)
    assert len(await claimed(ledger, lease, limit=count)) == count
    await ledger.renew(lease, START, MINUTE, Load())
    untouched = "SELECT count(*) FROM destinations WHERE recheck_past IS NULL"
    assert await outside.fetchval(untouched) == 10
    await ledger.renew(lease, START, MINUTE, Load())
    assert await outside.fetchval(untouched) == 0


# --- one clock -------------------------------------------------------------------------------


async def test_leases_run_by_the_clock_of_the_server(url: str, outside: asyncpg.Connection) -> None:
    ahead = timedelta(days=400)
    ledger = await open_ledger(url)
    try:
        before = await outside.fetchval("SELECT clock_timestamp()")
        lease = await ledger.open_lease("node", 1, before + ahead, MINUTE)
        after = await outside.fetchval("SELECT clock_timestamp()")
        assert before <= lease.opened_at == lease.renewed_at <= after
        assert lease.until == lease.opened_at + MINUTE
        assert timedelta() <= ahead - lease.skew <= after - before
        behind = datetime.now(UTC) - ahead
        census = await ledger.renew(lease.token, behind, 2 * MINUTE, Load(jobs=3, clients=4))
        (renewed,) = census.leases
        assert after <= renewed.renewed_at == census.now
        assert renewed.until == census.now + 2 * MINUTE
        assert renewed.skew == behind - census.now
        assert (renewed.opened_at, renewed.load) == (lease.opened_at, Load(jobs=3, clients=4))
        assert (await ledger.census(behind)).now >= census.now
    finally:
        await ledger.close()


async def test_a_census_without_leases_has_the_time(ledger: PostgresLedger) -> None:
    census = await ledger.census(START)
    assert (census.now, census.leases) == (START, ())


async def test_a_renewal_tells_of_all_leases_in_their_order(ledger: PostgresLedger) -> None:
    tokens = [await hold(ledger, worker) for worker in range(5)]
    census = await ledger.renew(tokens[3], START, MINUTE, Load())
    assert [lease.token for lease in census.leases] == sorted(tokens)
    with pytest.raises(LeaseLost):
        await ledger.renew(LeaseToken("unknown"), START, MINUTE, Load())


async def test_settling_is_refused_once_another_has_taken_over(opener: Opener) -> None:
    ledger, other = await opener(), await opener()
    lease = await hold(ledger)
    await accept(ledger, "a@one.example")
    (job,) = await ledger.claim(lease, START, 1)
    assert await other.recover(lease, None, START) == 1
    with pytest.raises(LeaseLost):
        await ledger.settle(make_settlement(job, Outcome.DELIVERED))


async def test_a_lease_over_more_than_one_statement_takes_is_recovered_whole(
    ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.postgres.lease._SLICE", 7)
    lease = (await ledger.open_lease("node-a", 1, START, MINUTE)).token
    submission = make_submission(*(f"u{n}@d{n % 3}.example" for n in range(50)))
    (_, *jobs) = (await ledger.accept(submission, START, lease)).jobs
    doubtful = [recipient.id for job in jobs for recipient in job.recipients]
    assert len(doubtful) > 14
    assert await ledger.recover(lease, doubtful, START) == 50
    timeline = await ledger.timeline(submission.id, Scope())
    assert timeline is not None
    assert {attempt.recipient_id for attempt in timeline.attempts} == {*doubtful}
    assert len(timeline.attempts) + len(timeline.events) - 1 == 50
    assert not any(recipient.leased for recipient in timeline.recipients)
