"""Who waits for whom, as the server sees it."""

import asyncio

import asyncpg

_WAITS = """
SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
WHERE d.datname = current_database() AND l.relation = $1::text::regclass AND NOT l.granted
"""


async def until_somebody_waits(connection: asyncpg.Connection, table: str) -> None:
    """Return once a lock on `table` is waited for."""
    async with asyncio.timeout(90):
        while not await connection.fetchval(_WAITS, table):
            pass
