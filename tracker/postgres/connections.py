"""Connections to the server: one transaction for each step, one snapshot for each look."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from tracker.sql.rows import Columns
from tracker.store import StoreUnavailable

T = TypeVar("T")


class Transaction:
    """What runs in one transaction; statements take their parameters as $1, $2, …"""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def rows(self, sql: str, *parameters: object) -> list[Columns]:
        """Return every row of a statement."""
        return list(await self._connection.fetch(sql, *parameters))

    async def row(self, sql: str, *parameters: object) -> Columns | None:
        """Return the first row of a statement, None when there is none."""
        row: Columns | None = await self._connection.fetchrow(sql, *parameters)
        return row

    async def execute(self, sql: str, *parameters: object) -> int:
        """Run a statement; return how many rows it changed."""
        status = await self._connection.execute(sql, *parameters)
        number = status.rpartition(" ")[2]
        return int(number) if number.isdigit() else 0


class Connections:
    """A few connections that are lent in turn."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Any = None

    async def open(self) -> None:
        """Connect. Raises StoreUnavailable."""
        try:
            self._pool = await asyncpg.create_pool(self._url, min_size=1, max_size=4)
        except (OSError, asyncpg.PostgresError) as error:
            raise StoreUnavailable(str(error)) from error

    async def run(self, step: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `step` in a transaction and return its result once that is durable.

        A step has no effect on anything else: it may run twice, when the server broke it off to
        end a deadlock. Raises what `step` raises, StoreUnavailable, OutcomeUnknown.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            return await step(Transaction(connection))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Lend a connection for queries that see one moment of the ledger and change nothing."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield Transaction(connection)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._pool.close()
