"""Partitions: one for each day, made once, whoever else makes them; and mail goes on meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import pytest

from tests.support.clock import START
from tests.support.mail import make_submission, mint
from tracker.model import Scope, new_id
from tracker.postgres import open_ledger
from tracker.postgres.connections import Connections, Transaction
from tracker.postgres.partitions import (
    AHEAD,
    TABLES,
    bounds,
    day_of_id,
    day_of_name,
    make_for,
    make_room,
    name_of,
    partitions,
)
from tracker.sql.values import day_of, day_start, stamp
from tracker.store import StoreUnavailable

EVERYTHING = Scope()
DAY = day_of(stamp(START))
INSERT_EVENT = """
INSERT INTO events (message_id, id, at, kind, actor, detail) VALUES ($1, $2, 0, 'accepted', '', '')
"""


@pytest.fixture
async def connections(url: str) -> AsyncIterator[Connections]:
    connections = Connections(url)
    yield connections
    await connections.close()


async def made(connections: Connections) -> dict[int, list[str]]:
    found = await connections.run(partitions)
    return {day: sorted(names) for day, names in found.items()}


def all_of(*days: int) -> dict[int, list[str]]:
    return {day: sorted(name_of(table, day) for table in TABLES) for day in days}


def test_a_partition_is_named_after_its_day() -> None:
    assert name_of("messages", DAY) == "messages_20260302"
    assert day_of_name("messages_20260302") == DAY


@pytest.mark.parametrize("name", ["messages_old", "theirs_20260302", "messages", "messages_2026"])
def test_other_tables_are_no_partitions(name: str) -> None:
    assert day_of_name(name) is None


@pytest.mark.parametrize(
    ("at", "entropy"),
    [
        (day_start(DAY), bytes(8)),
        (START, b"\x80" * 8),
        (day_start(DAY + 1) - timedelta(microseconds=1), b"\xff" * 8),
    ],
    ids=["the first", "some", "the last"],
)
def test_a_day_holds_the_ids_that_were_made_on_it(at: datetime, entropy: bytes) -> None:
    first, behind = bounds(DAY)
    identifier = new_id(at, entropy)
    assert first <= identifier < behind
    assert day_of_id(identifier) == DAY


def test_days_join_without_a_gap() -> None:
    assert bounds(DAY)[1] == bounds(DAY + 1)[0]


async def test_room_is_made_once(connections: Connections) -> None:
    for days in ([DAY + 1, DAY], [DAY], [DAY, DAY + 2], []):
        await connections.run(partial(make_room, days=days))
    assert await made(connections) == all_of(DAY, DAY + 1, DAY + 2)


async def test_room_that_is_half_there_is_completed(
    connections: Connections, outside: asyncpg.Connection
) -> None:
    await connections.run(partial(make_room, days=[DAY]))
    await outside.execute(f"DROP TABLE {name_of('results', DAY)}, {name_of('events', DAY)}")
    await connections.run(partial(make_room, days=[DAY]))
    assert await made(connections) == all_of(DAY)


async def test_nodes_make_room_side_by_side(url: str) -> None:
    nodes = [Connections(url) for _ in range(6)]
    try:
        days = [DAY, DAY + 1]
        await asyncio.gather(*(node.run(partial(make_room, days=days)) for node in nodes))
        assert await made(nodes[0]) == all_of(DAY, DAY + 1)
    finally:
        for node in nodes:
            await node.close()


async def test_a_partition_is_like_its_table(
    connections: Connections, outside: asyncpg.Connection
) -> None:
    await connections.run(partial(make_room, days=[DAY]))
    indexes = "SELECT count(*) FROM pg_indexes WHERE tablename = $1"
    for table in TABLES:
        assert await outside.fetchval(indexes, table) >= 1
        assert await outside.fetchval(indexes, table) == await outside.fetchval(
            indexes, name_of(table, DAY)
        )


async def test_room_is_made_while_others_write_and_read(
    connections: Connections, outside: asyncpg.Connection
) -> None:
    await connections.run(partial(make_room, days=[DAY]))
    user = outside.transaction()
    await user.start()
    for table in TABLES:
        await outside.fetch(f"SELECT 1 FROM {table}")
    await outside.execute(INSERT_EVENT, mint(), mint())
    # Would wait for ever if it wanted what a reader or a writer holds.
    await connections.run(partial(make_room, days=[DAY + 1]))
    await user.rollback()
    assert await made(connections) == all_of(DAY, DAY + 1)


async def test_others_write_and_read_while_room_is_made(
    connections: Connections, outside: asyncpg.Connection
) -> None:
    await connections.run(partial(make_room, days=[DAY]))

    async def step(transaction: Transaction) -> None:
        await make_room(transaction, [DAY + 1])
        await outside.execute(INSERT_EVENT, mint(), mint())
        assert len(await outside.fetch("SELECT 1 FROM events")) == 1

    user = outside.transaction()
    await user.start()
    await connections.run(step)
    await user.rollback()


async def test_a_day_that_nobody_prepared_is_made_when_mail_comes(url: str) -> None:
    now = datetime.now(UTC)
    ledger = await open_ledger(url)
    try:
        submission = make_submission(now=now)
        await ledger.accept(submission, now, None)
        assert await ledger.timeline(submission.id, EVERYTHING) is not None
    finally:
        await ledger.close()


@pytest.mark.parametrize("off", [timedelta(days=-20_000), timedelta(days=400)])
async def test_a_node_with_a_clock_far_off_makes_no_room(url: str, off: timedelta) -> None:
    now = datetime.now(UTC) + off
    ledger = await open_ledger(url)
    try:
        with pytest.raises(StoreUnavailable, match=f"this node's clock says {now:%Y-%m-%d}"):
            await ledger.accept(make_submission(now=now), now, None)
        assert await ledger.balance(now - timedelta(days=1)) == []
    finally:
        await ledger.close()


async def test_an_error_that_names_no_row_makes_nothing(connections: Connections) -> None:
    with pytest.raises(StoreUnavailable, match="does not say which"):
        await connections.run(partial(make_for, problem="no partition of relation found for row"))


async def test_the_coming_days_are_prepared(url: str, connections: Connections) -> None:
    ledger = await open_ledger(url, trusts_caller=True)
    try:
        await ledger.tend(START)
        await ledger.tend(START + timedelta(days=1))
    finally:
        await ledger.close()
    assert await made(connections) == all_of(*range(DAY, DAY + AHEAD + 2))


async def test_the_days_are_those_of_the_server(url: str, connections: Connections) -> None:
    ledger = await open_ledger(url)
    try:
        await ledger.tend(START - timedelta(days=1000))
    finally:
        await ledger.close()
    today = day_of(stamp(datetime.now(UTC)))
    assert today in await made(connections)
    assert DAY - 1000 not in await made(connections)
