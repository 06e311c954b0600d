"""Refusals on their way to the ledger: soon, within bounds, and never in the way."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from relay.refusals import DAILY, WAITING, RefusalLog
from tests.support.clock import START, FakeClock
from tests.support.mail import make_refusal
from tracker.model import Refusal, Scope
from tracker.search import Query
from tracker.sqlite import SqliteLedger, open_ledger

DAY = timedelta(days=1)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    ledger = await open_ledger(tmp_path / "ledger.db")
    yield ledger
    await ledger.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def log(ledger: SqliteLedger, clock: FakeClock) -> RefusalLog:
    return RefusalLog(ledger=ledger, clock=clock)


async def kept(ledger: SqliteLedger) -> list[Refusal]:
    return list((await ledger.refusals(Query(), Scope(), limit=100_000)).rows)


async def test_it_is_on_record_a_second_later(
    ledger: SqliteLedger, clock: FakeClock, log: RefusalLog
) -> None:
    running = asyncio.create_task(log.run())
    refusal = make_refusal()
    log.note(refusal, "alice@example.com")
    assert await kept(ledger) == []
    async with asyncio.timeout(90):
        while await kept(ledger) != [refusal]:
            clock.advance(timedelta(seconds=1))
            await asyncio.sleep(0)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_what_waits_is_written_in_the_end(ledger: SqliteLedger, log: RefusalLog) -> None:
    running = asyncio.create_task(log.run())
    await asyncio.sleep(0)
    refusal = make_refusal()
    log.note(refusal, "alice@example.com")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await kept(ledger) == [refusal]


async def test_a_source_has_its_share_of_a_day(ledger: SqliteLedger, log: RefusalLog) -> None:
    for _ in range(DAILY + 10):
        log.note(make_refusal(), "mad@example.com")
    log.note(make_refusal(account="calm@example.com"), "calm@example.com")
    await log.flush()
    assert len(await kept(ledger)) == DAILY + 1
    log.note(make_refusal(now=START + DAY), "mad@example.com")
    await log.flush()
    assert len(await kept(ledger)) == DAILY + 2


async def test_memory_is_bounded(ledger: SqliteLedger, log: RefusalLog) -> None:
    for n in range(WAITING + 10):
        log.note(make_refusal(), f"source {n}")
    await log.flush()
    assert len(await kept(ledger)) == WAITING


async def test_it_waits_for_a_ledger_that_is_away(
    ledger: SqliteLedger, log: RefusalLog, tmp_path: Path
) -> None:
    log.note(make_refusal(), "alice@example.com")
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db")) as other:
        other.execute("ALTER TABLE refusals RENAME TO elsewhere")
        await log.flush()
        other.execute("ALTER TABLE elsewhere RENAME TO refusals")
    await log.flush()
    assert len(await kept(ledger)) == 1
