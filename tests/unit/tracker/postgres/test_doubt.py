"""Connections that break at a chosen moment: nothing is lost, double, or refused and yet there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial

import asyncpg
import pytest
from msgspec.structs import replace

from tests.support.clock import START
from tests.support.mail import CHUNK, make_settlement, make_submission, mint
from tests.support.postgres import Server
from tests.unit.tracker.postgres.proxy import Fault, Proxy
from tracker.model import Gate, Job, LeaseToken, Outcome, Postponement, Submission
from tracker.postgres import PostgresLedger, open_ledger
from tracker.store import LeaseLost, OutcomeUnknown, StoreUnavailable

FAULTS = pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.ANSWER], ids=lambda f: f.name)

LARGE = bytes(3 * 1024 * 1024)
SIZES = pytest.mark.parametrize("content", [b"small\r\n", LARGE], ids=["small", "large"])


@pytest.fixture
async def ledger(proxied_url: str, url: str) -> AsyncIterator[PostgresLedger]:
    """A ledger behind the proxy."""
    ledger = await open_ledger(proxied_url, trusts_caller=True)
    yield ledger
    await ledger.close()


@pytest.fixture
async def lease(outside: asyncpg.Connection) -> LeaseToken:
    """A lease on record."""
    return await add_lease(outside)


async def add_lease(outside: asyncpg.Connection) -> LeaseToken:
    token = LeaseToken(mint())
    await outside.execute(
        "INSERT INTO leases VALUES ($1, 'node-a', 1, '1', 0, 0, $2, 0, 0, 0)", token, 2**60
    )
    return token


async def on_record(outside: asyncpg.Connection, submission: Submission) -> tuple[int, int]:
    """Return how many messages and recipients there are of a submission."""
    row = await outside.fetchrow(
        "SELECT (SELECT count(*) FROM messages WHERE id = $1),"
        " (SELECT count(*) FROM recipients WHERE message_id = $1)",
        submission.id,
    )
    return row[0], row[1]


async def accept(ledger: PostgresLedger, lease: LeaseToken) -> Job:
    (job,) = (await ledger.accept(make_submission(), START, lease)).jobs
    return job


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait until what somebody else does has happened."""
    async with asyncio.timeout(90):
        while not await condition():  # noqa: ASYNC110 - another process does not set events
            await asyncio.sleep(0.01)


@FAULTS
@SIZES
async def test_an_accept_is_done_once(
    ledger: PostgresLedger,
    proxy: Proxy,
    outside: asyncpg.Connection,
    lease: LeaseToken,
    fault: Fault,
    content: bytes,
) -> None:
    submission = make_submission("a@one.example", "b@two.example", content=content)
    proxy.strike(submission.id, fault)
    accepted = await ledger.accept(submission, START, lease)
    assert proxy.struck.is_set()
    assert await on_record(outside, submission) == (1, 2)
    ids = [recipient.id for job in accepted.jobs for recipient in job.recipients]
    known = await outside.fetch("SELECT id FROM queue WHERE lease = $1 ORDER BY id", lease)
    assert [row[0] for row in known] == sorted(ids)
    for job in accepted.jobs:
        await ledger.settle(make_settlement(job))


@FAULTS
async def test_all_of_a_batch_are_done_once(
    ledger: PostgresLedger,
    proxy: Proxy,
    outside: asyncpg.Connection,
    lease: LeaseToken,
    fault: Fault,
) -> None:
    submissions = [make_submission() for _ in range(20)]
    proxy.strike(submissions[7].id, fault)
    gone = LeaseToken("gone")
    outcomes = await asyncio.gather(
        *(ledger.accept(each, START, lease) for each in submissions),
        ledger.accept(make_submission(), START, gone),
        return_exceptions=True,
    )
    assert [type(each).__name__ for each in outcomes] == ["Accepted"] * 20 + ["LeaseLost"]
    assert await outside.fetchval("SELECT count(*) FROM messages") == 20


async def test_a_lease_that_was_lost_meanwhile_does_not_hide_what_was_accepted(
    ledger: PostgresLedger, proxy: Proxy, outside: asyncpg.Connection, lease: LeaseToken
) -> None:
    submission = make_submission()
    proxy.strike(submission.id, Fault.SILENCE)
    accepting = asyncio.create_task(ledger.accept(submission, START, lease))
    await proxy.struck.wait()
    await until(lambda: outside.fetchval("SELECT 1 FROM messages"))
    await outside.execute("DELETE FROM leases")
    await outside.execute("UPDATE queue SET lease = NULL")
    await outside.execute(
        "INSERT INTO destinations (destination, next_due_at) SELECT destination, 0 FROM queue"
    )
    proxy.cut()
    assert (await accepting).id == submission.id
    assert await on_record(outside, submission) == (1, 1)


@pytest.mark.parametrize("is_ended", [True, False], ids=["ended", "left alone"])
@SIZES
async def test_a_transaction_that_still_runs_is_waited_for(
    ledger: PostgresLedger,
    proxy: Proxy,
    outside: asyncpg.Connection,
    lease: LeaseToken,
    url: str,
    is_ended: bool,
    content: bytes,
) -> None:
    submission = make_submission(content=content)
    async with blocked(outside, url) as looker:
        accepting = asyncio.create_task(ledger.accept(submission, START, lease))
        await until(lambda: looker.fetchval(_WAITING, 1))
        proxy.cut()
        await until(lambda: looker.fetchval(_WAITING, 2))
        if is_ended:
            await looker.fetch(f"SELECT pg_terminate_backend(pid) FROM ({_OLDEST}) AS o")
    await accepting
    assert await on_record(outside, submission) == (1, 1)


_WAITERS = """
FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
_WAITING = f"SELECT count(*) >= $1 {_WAITERS}"
_OLDEST = f"SELECT pid {_WAITERS} ORDER BY query_start LIMIT 1"


class blocked:  # noqa: N801 - reads as a word
    """Nobody can insert a message while this lasts; gives a connection to look around with."""

    def __init__(self, outside: asyncpg.Connection, url: str) -> None:
        self._transaction = outside.transaction()
        self._outside = outside
        self._url = url

    async def __aenter__(self) -> asyncpg.Connection:
        self._looker = await asyncpg.connect(self._url)
        await self._transaction.start()
        await self._outside.execute("LOCK TABLE queue IN SHARE MODE")
        return self._looker

    async def __aexit__(self, *_: object) -> None:
        self._looker.terminate()
        await self._transaction.commit()


@FAULTS
async def test_a_settlement_is_done_once(
    ledger: PostgresLedger,
    proxy: Proxy,
    outside: asyncpg.Connection,
    lease: LeaseToken,
    fault: Fault,
) -> None:
    job = await accept(ledger, lease)
    report = make_submission("alice@example.com", reverse_path="")
    settlement = make_settlement(job, Outcome.FAILED, reports=(report,))
    proxy.strike(settlement.attempts[0].id, fault)
    await ledger.settle(settlement)
    assert proxy.struck.is_set()
    assert await outside.fetchval("SELECT count(*) FROM attempts") == 1
    assert await outside.fetchval("SELECT count(*) FROM results") == 1
    assert await on_record(outside, report) == (1, 1)


async def test_a_settlement_that_was_done_may_be_repeated_by_whoever_does_not_know(
    ledger: PostgresLedger, lease: LeaseToken
) -> None:
    job = await accept(ledger, lease)
    settlement = make_settlement(job)
    await ledger.settle(settlement)
    await ledger.settle(settlement)
    with pytest.raises(LeaseLost):
        await ledger.settle(make_settlement(job))


async def test_a_settlement_is_known_again_after_the_same_worker_got_its_recipients_back(
    ledger: PostgresLedger, outside: asyncpg.Connection, lease: LeaseToken
) -> None:
    job = await accept(ledger, lease)
    settlement = make_settlement(job, Outcome.DEFERRED)
    await ledger.settle(settlement)
    await outside.execute("UPDATE queue SET lease = $1", lease)
    await ledger.settle(settlement)
    assert await outside.fetchval("SELECT count(*) FROM attempts") == 1
    assert await outside.fetchval("SELECT lease FROM queue") == lease


@FAULTS
async def test_what_has_no_attempt_is_done_once(
    ledger: PostgresLedger,
    proxy: Proxy,
    outside: asyncpg.Connection,
    lease: LeaseToken,
    fault: Fault,
) -> None:
    job = await accept(ledger, lease)
    settlement = replace(make_settlement(job, Outcome.DEFERRED), attempts=())
    proxy.strike(job.recipients[0].id, fault)
    await ledger.settle(settlement)
    assert proxy.struck.is_set()
    assert await outside.fetchval("SELECT status FROM queue WHERE lease IS NULL") == "deferred"


@FAULTS
async def test_recipients_are_given_back_once(
    ledger: PostgresLedger,
    proxy: Proxy,
    outside: asyncpg.Connection,
    lease: LeaseToken,
    fault: Fault,
) -> None:
    job = await accept(ledger, lease)
    (recipient,) = job.recipients
    proxy.strike(recipient.id, fault)
    why = Postponement(gate=Gate.DNS, until=START + timedelta(minutes=1), detail="no answer")
    await ledger.postpone(lease, [recipient.id], why)
    assert proxy.struck.is_set()
    assert await outside.fetchval("SELECT gate FROM queue WHERE lease IS NULL") == "dns"
    with pytest.raises(LeaseLost):
        await ledger.postpone(lease, [recipient.id], why)


async def test_what_cannot_be_found_out_is_withdrawn(
    proxied_url: str,
    proxy: Proxy,
    outside: asyncpg.Connection,
    lease: LeaseToken,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PostgresLedger, "patience", 0.0)
    ledger = await open_ledger(proxied_url, trusts_caller=True)
    refused = [
        make_submission(content=LARGE),
        make_submission("a@one.example", "b@two.example"),
        make_submission(),
    ]
    # So that its connection is open.
    await ledger.accept(make_submission(content=LARGE), START, lease)
    for submission, holder in zip(refused, (lease, lease, None), strict=True):
        # What is large is sent in several statements, of which only the last one counts.
        is_large = submission.content.size > CHUNK
        proxy.strike("COMMIT" if is_large else submission.id, Fault.SILENCE)
        await refuse(ledger, proxy, submission, holder)
    for submission in refused:
        await until(partial(is_absent, outside, submission))
    await ledger.accept(make_submission(), START, None)
    await ledger.close()
    assert await outside.fetchval("SELECT count(*) FROM messages") == 2


async def refuse(
    ledger: PostgresLedger, proxy: Proxy, submission: Submission, lease: LeaseToken | None
) -> None:
    """Have the server go away while a message is being accepted, until the client is told no."""
    accepting = asyncio.create_task(ledger.accept(submission, START, lease))
    await proxy.struck.wait()
    await proxy.refuse()
    with pytest.raises(OutcomeUnknown):
        await accepting
    await proxy.listen()
    await until(partial(is_back, ledger))


async def is_back(ledger: PostgresLedger) -> bool:
    try:
        await ledger.ping()
    except StoreUnavailable:
        return False
    return True


async def is_absent(outside: asyncpg.Connection, submission: Submission) -> bool:
    return await on_record(outside, submission) == (0, 0)


async def test_what_somebody_carried_on_with_is_not_withdrawn(
    proxied_url: str,
    proxy: Proxy,
    outside: asyncpg.Connection,
    lease: LeaseToken,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PostgresLedger, "patience", 0.0)
    ledger = await open_ledger(proxied_url, trusts_caller=True)
    submission = make_submission()
    proxy.strike(submission.id, Fault.SILENCE)
    accepting = asyncio.create_task(ledger.accept(submission, START, lease))
    await until(lambda: outside.fetchval("SELECT 1 FROM messages"))
    await proxy.refuse()
    with pytest.raises(OutcomeUnknown):
        await accepting
    other = await add_lease(outside)
    await outside.execute("UPDATE queue SET lease = $1", other)
    await proxy.listen()
    await until(partial(is_back, ledger))
    await ledger.close()
    assert await on_record(outside, submission) == (1, 1)


async def test_a_lock_that_nobody_lets_go_of_does_not_stop_close(
    moving_server: Server, url: str, outside: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.postgres.batch._CLOSE_WITHIN", 0.1)
    ledger = await open_ledger(url, trusts_caller=True)
    async with blocked(outside, url) as looker:
        accepting = asyncio.create_task(ledger.accept(make_submission(), START, None))
        await until(lambda: looker.fetchval(_WAITING, 1))
        await ledger.close()
        with pytest.raises(OutcomeUnknown):
            await accepting
