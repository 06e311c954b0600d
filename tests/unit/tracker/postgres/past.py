"""Many days of mail, written into the tables at once: for tests of what a look costs."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any

import asyncpg

from tests.support.postgres import Server
from tracker.model import Status, new_id
from tracker.postgres.migrate import migrate
from tracker.sql.values import first_id, stamp

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 16
PER_DAY = 1500
END = BEGIN + timedelta(days=DAYS)

ACCOUNTS = [f"user{n}@customer{n % 100}.example" for n in range(200)]
_FINAL = [*[Status.DELIVERED] * 26, Status.BOUNCED, Status.EXPIRED, Status.CANCELLED]
_OPEN = [*[Status.DELIVERED] * 25, Status.QUEUED, Status.DEFERRED, Status.HELD, Status.QUEUED]
_PARTITIONED = ("messages", "recipients", "results", "attempts", "events")

Rows = dict[str, list[Sequence[Any]]]


def write_past(server: Server, database: str, *, days: int = DAYS, per_day: int = PER_DAY) -> str:
    """Create a database with so many recipients on each day from `BEGIN` on; return its URL."""
    url = server.create_database(database)
    with ThreadPoolExecutor(1) as pool:  # this thread's event loop is that of the tests
        pool.submit(asyncio.run, _write(url, days, per_day)).result()
    return url


async def _write(url: str, days: int, per_day: int) -> None:
    await migrate(url)
    connection = await asyncpg.connect(url)
    try:
        for day in range(days):
            begin = BEGIN + timedelta(days=day)
            await _partition(connection, begin)
            fates = _OPEN if day >= days - 3 else _FINAL
            for table, rows in _rows(begin, per_day, cycle(fates)).items():
                # What a later schema has added stands at the end, and has a default.
                columns = (await _columns(connection, table))[: len(rows[0])] if rows else None
                await connection.copy_records_to_table(table, records=rows, columns=columns)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def _columns(connection: Any, table: str) -> list[str]:
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0"
        " AND NOT attisdropped ORDER BY attnum",
        table,
    )
    return [row[0] for row in rows]


async def _partition(connection: Any, begin: datetime) -> None:
    first, last = first_id(begin), first_id(begin + timedelta(days=1))
    for table in _PARTITIONED:
        name = f"{table}_{begin:%Y%m%d}"
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table}"
            f" FOR VALUES FROM ('{first}') TO ('{last}')"
        )


def _rows(begin: datetime, number: int, fates: Iterator[Status]) -> Rows:
    rows: Rows = {table: [] for table in ("messages", "recipients", "attempts", "queue", "results")}
    for n, fate in enumerate(islice(fates, number)):
        _add(rows, begin + n * timedelta(days=1) / number, ACCOUNTS[n % len(ACCOUNTS)], n, fate)
    return rows


def _add(rows: Rows, now: datetime, account: str, n: int, fate: Status) -> None:
    at, domain, place = stamp(now), account.partition("@")[2], f"place{n % 40}.example"
    ids = [new_id(now, os.urandom(8)) for _ in range(3)]
    message, recipient, attempt = ids
    rows["messages"].append(
        (message, "mail", at, account, account, "192.0.2.7", 49152, "client", "ESMTPSA", None,
         account, 1000, f"Übergröße {n}", f"{n}@client.example", account, "", None, None, "7BIT",
         False, None, 1)
    )  # fmt: skip
    rows["recipients"].append(
        (recipient, message, at, account, domain, f"bob{n}@{place}", place, place, None, None, at)
    )
    rows["attempts"].append(
        (attempt, message, recipient, 1, "accepted", at, at, "delivered", "remote", "final-dot",
         250, "2.0.0", "2.0.0 Ok", None, "", place, "mx1.example", "198.51.100.25", 25, 10, "[]",
         f"4bXy{n}", False, "node-a", "rev-1", "accepted", "outcome:delivered")
    )  # fmt: skip
    if fate in (Status.QUEUED, Status.DEFERRED, Status.HELD):
        due = None if fate is Status.HELD else at
        rows["queue"].append(
            (recipient, message, at, account, domain, place, fate.value, at, 1, due, at, at, "none",
             "", None, None, None, "accepted", attempt, "greylisted")
        )  # fmt: skip
    else:
        rows["results"].append(
            (
                recipient,
                at,
                account,
                domain,
                fate.value,
                at,
                1,
                None,
                "accepted",
                attempt,
                "accepted",
            )
        )
