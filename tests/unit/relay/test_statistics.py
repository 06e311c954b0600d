"""Statistics: taken in when they have settled, by one process, and forgotten at their time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import Settings, TrackingSettings
from relay.chores.statistics import Statistics
from tests.support.clock import START, FakeClock
from tests.support.mail import make_settlement, make_submission
from tracker.insight import Dimension, Measure
from tracker.model import Outcome, Scope
from tracker.sqlite import SqliteLedger, open_ledger

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SETTINGS = Settings(tracking=TrackingSettings(retention=10 * DAY, statistics_retention=100 * DAY))


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    opened = await open_ledger(tmp_path / "ledger.db")
    yield opened
    await opened.close()


async def update(ledger: SqliteLedger, clock: FakeClock) -> int:
    """Do the chore once, to the end."""
    statistics = Statistics(ledger=ledger, clock=clock, settings=SETTINGS)
    updating = asyncio.ensure_future(statistics.update())
    async with asyncio.timeout(90):
        while not updating.done():
            clock.advance(timedelta(milliseconds=100))
            await asyncio.wait([updating], timeout=0.005)
    return await updating


async def send(ledger: SqliteLedger, outcome: Outcome) -> None:
    lease = (await ledger.open_lease("node", 1, START, MINUTE)).token
    (job,) = (await ledger.accept(make_submission(), START, lease)).jobs
    await ledger.settle(make_settlement(job, outcome))


async def figures(ledger: SqliteLedger, measure: Measure) -> dict[object, int]:
    found = await ledger.figures(
        measure, (Dimension.RESULT,), Scope(), START - DAY, START + 200 * DAY
    )
    return {figure.keys[0]: figure.number for figure in found}


async def test_what_has_settled_is_taken_in_and_younger_things_are_left(
    ledger: SqliteLedger,
) -> None:
    await send(ledger, Outcome.DELIVERED)
    await send(ledger, Outcome.FAILED)
    assert await update(ledger, FakeClock(START + 14 * MINUTE)) == 0
    # Two recipients, and the attempt that was not delivered.
    assert await update(ledger, FakeClock(START + 16 * MINUTE)) == 3
    assert await update(ledger, FakeClock(START + 16 * MINUTE)) == 0
    assert await figures(ledger, Measure.RECIPIENT) == {"delivered": 1, "bounced": 1}


async def test_counts_are_kept_for_longer_than_the_record(ledger: SqliteLedger) -> None:
    await send(ledger, Outcome.FAILED)
    await update(ledger, FakeClock(START + 11 * DAY))
    assert await ledger.sayings("example.org", Scope(), START - DAY, 5) == []
    assert await figures(ledger, Measure.ATTEMPT) == {"failed": 1}
    while await ledger.prune((START + 2 * DAY).date(), 100):
        pass
    await update(ledger, FakeClock(START + 101 * DAY))
    assert await figures(ledger, Measure.ATTEMPT) == {}


async def test_it_is_done_when_nobody_else_is_at_it(ledger: SqliteLedger) -> None:
    await send(ledger, Outcome.FAILED)
    clock = FakeClock(START + 11 * DAY)
    statistics = Statistics(ledger=ledger, clock=clock, settings=SETTINGS)
    running = asyncio.create_task(statistics.run())
    async with asyncio.timeout(90):
        while await ledger.sayings("example.org", Scope(), START - DAY, 5):
            clock.advance(timedelta(seconds=10))
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.wait([running])
