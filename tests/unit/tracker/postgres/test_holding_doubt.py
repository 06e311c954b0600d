"""Answers that get lost while mail is claimed, given back or taken over: it happens once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta

import asyncpg
import pytest

from tests.support.clock import START
from tests.support.mail import make_submission
from tests.unit.tracker.postgres.proxy import Fault, Proxy
from tracker.model import Job, LeaseToken, Load, Scope, Status
from tracker.postgres import PostgresLedger, holding, open_ledger
from tracker.store import OutcomeUnknown, StoreUnavailable

MINUTE = timedelta(minutes=1)

FAULTS = pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.ANSWER], ids=lambda f: f.name)


@pytest.fixture
async def ledger(proxied_url: str) -> AsyncIterator[PostgresLedger]:
    """A ledger behind the proxy."""
    ledger = await open_ledger(proxied_url, trusts_caller=True)
    await ledger._bell.close()  # so that the only commits are those of the test
    yield ledger
    await ledger.close()


async def hold(ledger: PostgresLedger) -> LeaseToken:
    return (await ledger.open_lease("node", 1, START, MINUTE)).token


async def accept(ledger: PostgresLedger, count: int = 3) -> None:
    names = [f"u{n}@one.example" for n in range(count)]
    await ledger.accept(make_submission(*names), START, None)


def ids(jobs: Sequence[Job]) -> list[str]:
    return sorted(each.id for job in jobs for each in job.recipients)


@FAULTS
async def test_a_claim_gives_what_it_took(
    ledger: PostgresLedger, proxy: Proxy, outside: asyncpg.Connection, fault: Fault
) -> None:
    lease = await hold(ledger)
    await accept(ledger)
    proxy.strike("COMMIT", fault)
    claimed = ids(await ledger.claim(lease, START, 2))
    assert proxy.struck.is_set()
    leased = await outside.fetch("SELECT id FROM queue WHERE lease = $1 ORDER BY id", lease)
    assert [row["id"] for row in leased] == claimed
    assert len(claimed) == 2
    assert len(ids(await ledger.claim(lease, START, 2))) == 1


async def test_what_a_claim_took_whose_answer_never_came_is_given_by_the_next_one(
    ledger: PostgresLedger,
    proxy: Proxy,
    outside: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def leave() -> None:
        await proxy.struck.wait()
        await proxy.refuse()

    monkeypatch.setattr(holding, "PATIENCE", 0.0)
    lease = await hold(ledger)
    await accept(ledger)
    proxy.strike("COMMIT", Fault.ANSWER)
    leaving = asyncio.create_task(leave())
    with pytest.raises(OutcomeUnknown):
        await ledger.claim(lease, START, 2)
    await leaving
    leased = await outside.fetch("SELECT id FROM queue WHERE lease = $1 ORDER BY id", lease)
    assert len(leased) == 2
    with pytest.raises(StoreUnavailable):  # nothing happened, and what is in doubt stays so
        await ledger.claim(lease, START, 2)
    await proxy.listen()
    jobs: Sequence[Job] = ()
    while not jobs:
        with suppress(StoreUnavailable):
            jobs = await ledger.claim(lease, START, 2)
    assert ids(jobs) == [row["id"] for row in leased]
    assert len(ids(await ledger.claim(lease, START, 2))) == 1


@FAULTS
async def test_a_lease_is_opened_once(
    ledger: PostgresLedger, proxy: Proxy, outside: asyncpg.Connection, fault: Fault
) -> None:
    proxy.strike("COMMIT", fault)
    lease = await ledger.open_lease("node", 1, START, MINUTE)
    assert proxy.struck.is_set()
    assert (await ledger.census(START)).leases == (lease,)


@FAULTS
async def test_a_renewal_is_repeated(ledger: PostgresLedger, proxy: Proxy, fault: Fault) -> None:
    lease = await hold(ledger)
    proxy.strike("COMMIT", fault)
    census = await ledger.renew(lease, START + MINUTE, MINUTE, Load(jobs=1))
    assert proxy.struck.is_set()
    assert census == await ledger.census(START + MINUTE)
    assert [each.until for each in census.leases] == [START + 2 * MINUTE]


@FAULTS
async def test_a_lease_is_recovered_once(
    ledger: PostgresLedger, proxy: Proxy, outside: asyncpg.Connection, fault: Fault
) -> None:
    lease = await hold(ledger)
    await accept(ledger)
    jobs = await ledger.claim(lease, START, 10)
    uncertain = [jobs[0].recipients[0].id]
    proxy.strike("COMMIT", fault)
    assert await ledger.recover(lease, uncertain, START) == 3
    assert proxy.struck.is_set()
    assert await outside.fetchval("SELECT count(*) FROM attempts") == 1
    kinds = await outside.fetch("SELECT kind FROM events")
    assert [row["kind"] for row in kinds] == ["relay-restarted"] * 2
    assert await ledger.recover(lease, uncertain, START) == 0


@FAULTS
async def test_a_lease_is_closed(
    ledger: PostgresLedger, proxy: Proxy, outside: asyncpg.Connection, fault: Fault
) -> None:
    lease = await hold(ledger)
    await accept(ledger)
    await ledger.claim(lease, START, 10)
    proxy.strike("COMMIT", fault)
    await ledger.close_lease(lease, START)
    assert proxy.struck.is_set()
    assert await outside.fetchval("SELECT count(*) FROM queue WHERE lease IS NULL") == 3


@FAULTS
async def test_what_a_person_did_is_not_done_again_for_them(
    ledger: PostgresLedger, proxy: Proxy, outside: asyncpg.Connection, fault: Fault
) -> None:
    await accept(ledger)
    recipients = [row["id"] for row in await outside.fetch("SELECT id FROM queue")]
    proxy.strike("COMMIT", fault)
    with pytest.raises(OutcomeUnknown):
        await ledger.change_status(
            recipients, Status.HELD, scope=Scope(), actor="root", reason="", now=START
        )
    assert proxy.struck.is_set()
    held = await outside.fetchval("SELECT count(*) FROM queue WHERE status = 'held'")
    assert held == (3 if fault is Fault.ANSWER else 0)
