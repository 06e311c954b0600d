"""Prune: a day goes as a whole and gives way to mail; a message goes with its last recipient."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import count

import asyncpg
import pytest
from msgspec.structs import replace

from tests.support.clock import START
from tests.support.mail import make_settlement, make_submission, mint
from tests.unit.tracker.postgres.locks import until_somebody_waits
from tracker.model import LeaseToken, MessageId, Scope
from tracker.postgres import PostgresLedger, open_ledger
from tracker.postgres import prune as pruning
from tracker.postgres.connections import Connections
from tracker.postgres.partitions import TABLES, name_of, partitions
from tracker.search import Query
from tracker.sql.values import day_of, day_start, stamp

DAY = timedelta(days=1)
TODAY = START.date()
NUMBER = day_of(stamp(START))
MIDNIGHT = day_start(NUMBER)
INSTANT = timedelta(milliseconds=50)
EVERYTHING = Scope()
QUERY = Query()

FILL = """
INSERT INTO recipients (id, message_id, accepted_at, forward_path, domain, destination, expires_at)
SELECT left($1, 18) || lpad(n::text, 8, '0'), $2, $3, 'u', 'd', 'd', 0 FROM generate_series(1, $4) n
"""
FILL_RESULTS = """
INSERT INTO results (recipient_id, accepted_at, status, status_since, attempts, "trigger")
SELECT id, accepted_at, 'delivered', 0, 1, 'first' FROM recipients
WHERE message_id = $1 AND id NOT IN (SELECT recipient_id FROM results)
"""


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[PostgresLedger]:
    ledger = await open_ledger(url, trusts_caller=True)
    yield ledger
    await ledger.close()


@pytest.fixture
async def connections(url: str) -> AsyncIterator[Connections]:
    connections = Connections(url)
    yield connections
    await connections.close()


async def hold(ledger: PostgresLedger) -> LeaseToken:
    return (await ledger.open_lease("node", 1, START, DAY)).token


async def take(
    ledger: PostgresLedger, begun: datetime, accepted: datetime, *, deliver: bool = True
) -> MessageId:
    """Accept a message whose id was made when it began to come in; deliver it."""
    submission = replace(make_submission(now=accepted), id=MessageId(mint(begun)))
    (job,) = (await ledger.accept(submission, accepted, await hold(ledger))).jobs
    if deliver:
        await ledger.settle(make_settlement(job, now=accepted))
    return submission.id


async def is_on_record(ledger: PostgresLedger, message_id: MessageId) -> bool:
    return await ledger.timeline(message_id, EVERYTHING) is not None


async def rows(outside: asyncpg.Connection) -> dict[str, int]:
    """Return how many rows each table of the history has."""
    return {table: await outside.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}


async def test_a_day_that_is_over_goes_with_its_partitions(
    ledger: PostgresLedger, connections: Connections, outside: asyncpg.Connection
) -> None:
    await take(ledger, START, START)
    left = await take(ledger, START + DAY, START + DAY)
    assert await ledger.prune(TODAY + DAY, 1) == 1
    assert list(await connections.run(partitions)) == [NUMBER + 1]
    assert await outside.fetchval("SELECT to_regclass($1)", name_of("messages", NUMBER)) is None
    assert await is_on_record(ledger, left)


async def test_days_without_mail_do_not_end_it(ledger: PostgresLedger) -> None:
    await ledger.tend(START - 10 * DAY)
    await take(ledger, START, START)
    assert await ledger.prune(TODAY + DAY, 1) == 1


@pytest.mark.parametrize("before", [INSTANT, -INSTANT], ids=["slow upload", "clock set back"])
async def test_a_message_around_midnight_stays_as_long_as_its_recipients(
    ledger: PostgresLedger,
    connections: Connections,
    outside: asyncpg.Connection,
    before: timedelta,
) -> None:
    accepted = MIDNIGHT + before
    begun = MIDNIGHT - before
    inside = await take(ledger, START - DAY, START - DAY)
    around = await take(ledger, begun, accepted)
    later = await take(ledger, START, START)
    recipients_day = accepted.date()
    assert await ledger.prune(MIDNIGHT.date(), 10) == 1 + (recipients_day < TODAY)
    assert not await is_on_record(ledger, inside)
    assert await is_on_record(ledger, around) == (recipients_day == TODAY)
    assert await ledger.prune(MIDNIGHT.date(), 10) == 0
    assert await ledger.prune(TODAY + DAY, 10) == 1 + (recipients_day == TODAY)
    assert not await is_on_record(ledger, around)
    assert not await is_on_record(ledger, later)
    assert await rows(outside) == dict.fromkeys(TABLES, 0)
    assert await ledger.prune(TODAY + DAY, 10) == 0
    assert await connections.run(partitions) == {}


async def test_what_is_left_of_a_day_is_not_written_anew_each_time(
    ledger: PostgresLedger, outside: asyncpg.Connection
) -> None:
    await take(ledger, START - DAY, START - DAY)
    await take(ledger, MIDNIGHT - INSTANT, MIDNIGHT + INSTANT, deliver=False)
    assert await ledger.prune(TODAY, 10) == 1
    table = "SELECT $1::text::regclass::oid"
    before = await outside.fetchval(table, name_of("messages", NUMBER - 1))
    assert await ledger.prune(TODAY, 10) == 0
    assert await outside.fetchval(table, name_of("messages", NUMBER - 1)) == before


async def test_a_day_with_open_mail_goes_row_by_row(
    ledger: PostgresLedger, outside: asyncpg.Connection
) -> None:
    await take(ledger, MIDNIGHT - INSTANT, MIDNIGHT + INSTANT)
    still_open = await take(ledger, START, START, deliver=False)
    for _ in range(4):
        await take(ledger, START, START)
    steps = []
    while step := await ledger.prune(TODAY + DAY, 2):
        steps.append(step)
    assert sum(steps) == 5
    assert max(steps) == 2
    assert await is_on_record(ledger, still_open)
    found = await rows(outside)
    assert found["messages"] == found["recipients"] == 1
    assert found["results"] == found["attempts"] == 0


async def test_a_day_that_is_opened_again_at_the_last_moment_stays(
    ledger: PostgresLedger, connections: Connections
) -> None:
    await take(ledger, START, START)
    await take(ledger, START, START, deliver=False)
    # As if the second one had been accepted after the day was found to be over.
    dropped = await connections.run(lambda each: pruning._drop_day(each, NUMBER, 1000))
    assert dropped == 0
    assert list(await connections.run(partitions)) == [NUMBER]


@pytest.mark.parametrize(
    "use",
    [
        "SELECT 1 FROM recipients",
        "LOCK TABLE results_20260302 IN SHARE UPDATE EXCLUSIVE MODE",  # as vacuum does
    ],
)
async def test_whoever_uses_the_tables_is_not_disturbed(
    ledger: PostgresLedger, outside: asyncpg.Connection, use: str
) -> None:
    old = await take(ledger, START, START)
    reader = outside.transaction()
    await reader.start()
    await outside.execute(use)
    assert await ledger.prune(TODAY + DAY, 10) == 0
    assert await is_on_record(ledger, old)
    await reader.rollback()
    assert await ledger.prune(TODAY + DAY, 10) == 1


async def test_mail_passes_while_the_drop_waits_for_somebody_else(
    ledger: PostgresLedger, outside: asyncpg.Connection, url: str
) -> None:
    await take(ledger, START, START)
    reader = outside.transaction()
    await reader.start()
    await outside.fetch("SELECT 1 FROM recipients")
    seen = asyncio.Event()

    async def prune() -> None:
        while not seen.is_set():  # it gives up soon, maybe before anybody has looked
            await ledger.prune(TODAY + DAY, 10)

    observer = await asyncpg.connect(url)
    pruned = asyncio.create_task(prune())
    try:
        await until_somebody_waits(observer, "recipients")
    finally:
        seen.set()
        await observer.close()
    # These would wait as long as the reader does if the drop did not give way.
    for _ in range(5):
        await take(ledger, START + DAY, START + DAY)
    await reader.rollback()
    await pruned
    while await ledger.prune(TODAY + DAY, 10):
        pass
    assert len((await ledger.search(QUERY, EVERYTHING, limit=100)).rows) == 5


async def test_mail_goes_on_while_a_great_day_goes(
    ledger: PostgresLedger, outside: asyncpg.Connection
) -> None:
    """100,000 recipients are dropped, and nothing that is accepted or settled meanwhile fails."""
    great = await take(ledger, START, START)
    await outside.execute(FILL, mint(START), great, stamp(START), 100_000)
    await outside.execute(FILL_RESULTS, great)
    numbers, enough = count(), asyncio.Event()

    async def work() -> None:
        while not enough.is_set():
            await take(ledger, START + DAY, START + DAY)
            next(numbers)

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(work())
        dropped = 0
        while not dropped:
            dropped = await ledger.prune(TODAY + DAY, 10)
        enough.set()
    assert dropped == 1
    found = await rows(outside)
    assert found["messages"] == found["recipients"] == found["results"] == next(numbers)
