"""Tend: what each server process counted of a day is one row when the day is over."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from tests.contract.ledger import accept_leased, assert_balanced
from tests.support.clock import START
from tests.support.mail import make_settlement
from tracker.postgres import PostgresLedger, open_ledger
from tracker.sql.values import day_of, stamp

DAY = timedelta(days=1)
NUMBER = day_of(stamp(START))
TALLIES = "SELECT day, backend, accepted, delivered FROM tallies ORDER BY day, backend"


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[PostgresLedger]:
    ledger = await open_ledger(url, trusts_caller=True)
    yield ledger
    await ledger.close()


async def tallies(outside: asyncpg.Connection) -> list[tuple[int, ...]]:
    return [tuple(row) for row in await outside.fetch(TALLIES)]


async def count_as_others(outside: asyncpg.Connection) -> None:
    """Write what two other server processes counted, of mail that was pruned since."""
    await outside.executemany(
        "INSERT INTO tallies (day, backend, accepted, delivered) VALUES ($1, $2, $3, $3)",
        [(NUMBER, 1, 3), (NUMBER, 2, 4), (NUMBER + 1, 1, 5)],
    )


async def test_the_counts_of_a_day_that_is_over_become_one(
    ledger: PostgresLedger, outside: asyncpg.Connection
) -> None:
    await count_as_others(outside)
    await ledger.tend(START)
    assert len(await tallies(outside)) == 3
    await ledger.tend(START + DAY)
    assert await tallies(outside) == [(NUMBER, 0, 7, 7), (NUMBER + 1, 1, 5, 5)]
    await assert_balanced(ledger)


async def test_what_is_counted_later_is_added(
    ledger: PostgresLedger, outside: asyncpg.Connection
) -> None:
    await count_as_others(outside)
    await ledger.tend(START + DAY)
    (job,) = await accept_leased(ledger)
    await ledger.tend(START + 2 * DAY)
    await ledger.settle(make_settlement(job))
    await ledger.tend(START + 2 * DAY)
    assert await tallies(outside) == [(NUMBER, 0, 8, 8), (NUMBER + 1, 0, 5, 5)]


async def test_whoever_is_counting_is_left_alone(
    ledger: PostgresLedger, outside: asyncpg.Connection
) -> None:
    await count_as_others(outside)
    counting = outside.transaction()
    await counting.start()
    await outside.execute("UPDATE tallies SET accepted = 9, delivered = 9 WHERE backend = 2")
    await ledger.tend(START + DAY)
    await counting.commit()
    assert await tallies(outside) == [
        (NUMBER, 0, 3, 3),
        (NUMBER, 2, 9, 9),
        (NUMBER + 1, 1, 5, 5),
    ]
    await ledger.tend(START + DAY)
    assert (await tallies(outside))[0] == (NUMBER, 0, 12, 12)
