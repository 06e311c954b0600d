"""Hints that mail is due: heard by others, few, and never in anybody's way."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from tests.support.clock import START
from tests.support.mail import make_submission
from tests.unit.tracker.postgres.proxy import Proxy
from tracker.model import Scope
from tracker.postgres import PostgresLedger, open_ledger
from tracker.postgres.listening import CHANNEL
from tracker.store import StoreUnavailable

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[PostgresLedger]:
    ledger = await open_ledger(url, trusts_caller=True)
    yield ledger
    await ledger.close()


@pytest.fixture
async def other(
    url: str, proxied_url: str, outside: asyncpg.Connection
) -> AsyncIterator[PostgresLedger]:
    """Another process, which listens through the proxy."""
    other = await open_ledger(url, listen_url=proxied_url, trusts_caller=True)
    async with asyncio.timeout(90):
        await other.wait_for_work()  # once it listens: something may have been missed
    yield other
    await other.close()


async def heard(ledger: PostgresLedger) -> None:
    async with asyncio.timeout(90):
        await ledger.wait_for_work()


async def test_others_hear_of_mail_that_nobody_holds(
    ledger: PostgresLedger, other: PostgresLedger
) -> None:
    waiting = [asyncio.create_task(heard(other)) for _ in range(3)]
    await asyncio.sleep(0)
    await ledger.accept(make_submission(), START, None)
    await asyncio.gather(*waiting)


async def test_others_hear_of_what_is_given_back_or_asked_for(
    ledger: PostgresLedger, other: PostgresLedger, outside: asyncpg.Connection
) -> None:
    lease = (await ledger.open_lease("node", 1, START, MINUTE)).token
    await ledger.accept(make_submission(), START, lease)
    await ledger.close_lease(lease, START)
    await heard(other)
    ids = [row["id"] for row in await outside.fetch("SELECT id FROM queue")]
    assert await ledger.retry_now(ids, scope=Scope(), actor="", now=START) == 1
    await heard(other)


async def test_nobody_hears_himself(
    ledger: PostgresLedger, other: PostgresLedger, outside: asyncpg.Connection
) -> None:
    await heard(ledger)
    waiting = asyncio.create_task(heard(ledger))
    await ledger.accept(make_submission(), START, None)
    await heard(other)
    assert not waiting.done()
    await outside.execute(f"NOTIFY {CHANNEL}, 'somebody'")
    await waiting


async def test_there_are_few_hints_however_much_happens(
    ledger: PostgresLedger, outside: asyncpg.Connection
) -> None:
    hints: asyncio.Queue[str] = asyncio.Queue()
    await outside.add_listener(CHANNEL, lambda *said: hints.put_nowait(said[3]))
    for _ in range(1000):
        ledger._bell.ring()
    async with asyncio.timeout(90):
        await hints.get()
        ledger._bell.ring()
        await hints.get()  # what comes later is said as well
    await ledger._bell.close()
    await outside.execute("SELECT 1")  # it would bring what else was said
    assert hints.qsize() <= 1


async def test_whoever_lost_the_connection_looks_and_listens_again(
    ledger: PostgresLedger, other: PostgresLedger, proxy: Proxy
) -> None:
    waiting = asyncio.create_task(heard(other))
    await asyncio.sleep(0)
    proxy.cut()
    await waiting
    await ledger.accept(make_submission(), START, None)
    await heard(other)


async def test_what_is_done_does_not_depend_on_hints(url: str, outside: asyncpg.Connection) -> None:
    ledger = await open_ledger(url, listen_url="postgresql://nobody@127.0.0.1:1/none")
    try:
        await ledger.accept(make_submission(), START, None)
        ledger._bell.ring()
    finally:
        await ledger.close()
    assert await outside.fetchval("SELECT count(*) FROM queue") == 1


async def test_a_ledger_that_cannot_be_reached_rings_in_vain(
    proxied_url: str, proxy: Proxy
) -> None:
    ledger = await open_ledger(proxied_url)
    await proxy.refuse()
    ledger._bell.ring()
    with pytest.raises(StoreUnavailable):
        await ledger.accept(make_submission(), START, None)
    await ledger.close()


async def test_behind_a_pooler_it_listens_past_it(url: str, ledger: PostgresLedger) -> None:
    other = await open_ledger(url, pooler=True, listen_url=url)
    await heard(other)
    await ledger.accept(make_submission(), START, None)
    await heard(other)
    await other.close()
