"""The index of the text is made in the background, by one process, to the end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from relay.chores.text_index import TextIndexer
from tests.support.clock import START, FakeClock
from tests.support.mail import make_submission
from tests.support.resting import Watched, rest
from tracker.sql.trigrams import BLOCK
from tracker.sqlite import SqliteLedger, open_ledger
from tracker.store import Ledger

DAY = timedelta(days=1)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    ledger = await open_ledger(tmp_path / "ledger.db")
    for n in range(2 * BLOCK):
        await ledger.accept(make_submission(f"u{n}@one.example"), START, None)
    yield ledger
    await ledger.close()


async def run_for_a_while(ledger: SqliteLedger, clock: FakeClock) -> None:
    watched = Watched(ledger)
    running = asyncio.create_task(TextIndexer(ledger=cast(Ledger, watched), clock=clock).run())
    for _ in range(50):
        clock.advance(timedelta(seconds=1))
        await rest(watched)
    running.cancel()
    await asyncio.wait([running])


async def test_what_is_settled_is_indexed(ledger: SqliteLedger) -> None:
    clock = FakeClock(START + DAY)
    await run_for_a_while(ledger, clock)
    assert await ledger.index_text(clock.now()) == 0


async def test_what_is_new_waits(ledger: SqliteLedger) -> None:
    clock = FakeClock(START)
    await run_for_a_while(ledger, clock)
    assert await ledger.index_text(START + DAY) == 2 * BLOCK


async def test_nobody_indexes_beside_another(ledger: SqliteLedger) -> None:
    clock = FakeClock(START + DAY)
    async with ledger.alone("text-index") as mine:
        assert mine
        await run_for_a_while(ledger, clock)
    assert await ledger.index_text(clock.now()) == 2 * BLOCK
