"""One partition for each UTC day of everything that is history, made before it is needed.

A day's partition holds the ids that were made on that day. Making one stops nobody: the table is
made by itself and then attached, which waits for no reader and no writer of the others.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime

from tracker.model.ids import time_of
from tracker.postgres.clock import now_in
from tracker.postgres.connections import Transaction
from tracker.sql.values import day_of, day_start, first_id, stamp
from tracker.store import StoreUnavailable

TABLES = ("messages", "events", "recipients", "results", "attempts")
"""What is partitioned; in this order whoever wants several of them locks them."""

AHEAD = 3
"""Days for which there are partitions already before they begin."""

_TURN = 0x53545250
"""The key of the lock under which partitions come and go ("STRP")."""

_FARTHEST = 31
"""Days between a node's clock and the server's beyond which nothing is made for that node."""

_ID_OF_ROW = re.compile(r"\(([0-9A-HJKMNP-TV-Z]{26})\b")

_ATTACHED = """
SELECT c.relname::text FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = ANY ($1::text[]::regclass[])
"""


def name_of(table: str, day: int) -> str:
    """Return the name of a table's partition for a day, counted in days since 1970."""
    return f"{table}_{day_start(day):%Y%m%d}"


def day_of_name(partition: str) -> int | None:
    """The inverse of `name_of`; None when this is no name of ours."""
    table, _, date = partition.rpartition("_")
    try:
        midnight = datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    return day_of(stamp(midnight)) if table in TABLES else None


def day_of_id(identifier: str) -> int:
    """Return the day of an id, in days since 1970. Raises ValueError when it is none of ours."""
    return day_of(stamp(time_of(identifier)))


def bounds(day: int) -> tuple[str, str]:
    """Return the lowest id of a day and that of the next."""
    return first_id(day_start(day)), first_id(day_start(day + 1))


async def today(transaction: Transaction, given: int | None = None) -> int:
    """Return the day that the ledger's clock says, in days since 1970; see `LedgerClock.given`."""
    ((now,),) = await transaction.rows(f"SELECT {now_in('$1')}", given)
    return day_of(now)


async def take_turn(transaction: Transaction) -> None:
    """Wait until no other transaction makes or drops partitions."""
    await transaction.execute(f"SELECT pg_advisory_xact_lock({_TURN})")


async def partitions(transaction: Transaction) -> dict[int, list[str]]:
    """Return the names of all partitions by their day."""
    found: dict[int, list[str]] = {}
    for (name,) in await transaction.rows(_ATTACHED, list(TABLES)):
        if (day := day_of_name(name)) is not None:
            found.setdefault(day, []).append(name)
    return found


async def make_room(transaction: Transaction, days: Collection[int]) -> None:
    """Make the partitions of `days`, counted in days since 1970, that are missing."""
    await take_turn(transaction)
    there = await partitions(transaction)
    for day in sorted(set(days)):
        for table in TABLES:
            if name_of(table, day) not in there.get(day, ()):
                await make_partition(transaction, table, day, name_of(table, day))


async def make_partition(transaction: Transaction, table: str, day: int, name: str) -> None:
    """Make one and attach it. It is empty, so that there is nothing to be checked."""
    first, end = bounds(day)
    await transaction.execute(f"CREATE TABLE IF NOT EXISTS {name} (LIKE {table} INCLUDING ALL)")
    await transaction.execute(
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{end}')"
    )


async def make_for(transaction: Transaction, problem: str, *, trusts_caller: bool = False) -> None:
    """Make the partitions of the row that `problem`, the server's error, was about.

    Raises StoreUnavailable when the node that made the row's id has a clock so far off that its
    mail would be filed under a wrong time; with `trusts_caller` no clock is doubted.
    """
    found = _ID_OF_ROW.search(problem)
    if found is None:
        raise StoreUnavailable(
            f"a row has no partition, and the server does not say which: {problem}"
        )
    day = day_of_id(found[1])
    if not trusts_caller:
        await _check_clock(transaction, day)
    await make_room(transaction, [day])


async def _check_clock(transaction: Transaction, day: int) -> None:
    servers = await today(transaction)
    if abs(day - servers) > _FARTHEST:
        raise StoreUnavailable(
            f"this node's clock says {day_start(day):%Y-%m-%d}, the database server's says "
            f"{day_start(servers):%Y-%m-%d}; set the one that is wrong"
        )
