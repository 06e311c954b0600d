"""One connection for work that is long and has the ledger to itself: whole tables in and out."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg

from tracker.postgres.connections import Transaction
from tracker.postgres.dialling import place_of
from tracker.postgres.errors import describe
from tracker.postgres.link import Link
from tracker.sql.rows import Columns
from tracker.store import StoreError, StoreUnavailable

_CONNECT_WITHIN = 10.0
"""Seconds."""

_ROWS_AT_ONCE = 500

# Long is no fault here. What was filled just now has no statistics yet, and a few rows are looked
# for by their keys all the same.
_SETTINGS = """
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL enable_seqscan = off;
SET LOCAL jit = off;
"""


class Bulk:
    """A connection, for one task at a time, that works through a pooler too. Use `open_bulk`."""

    def __init__(self, connection: Any, place: str) -> None:
        self._connection = connection
        self.place = place

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit what happens in the context when it ends well; inside another, with that one.

        Raises StoreUnavailable, StoreError.
        """
        with _explained(self.place):
            async with self._connection.transaction():
                await self._connection.execute(_SETTINGS)
                yield Transaction(Link(self._connection, pooled=True))

    async def stream(self, sql: str, *parameters: object) -> AsyncGenerator[list[Columns], None]:
        """Yield the rows of a query, some at a time."""
        async with self.transaction():
            cursor = await self._connection.cursor(sql, *parameters)
            while rows := await cursor.fetch(_ROWS_AT_ONCE):
                yield rows

    async def copy(
        self,
        table: str,
        fields: Sequence[str],
        rows: Iterable[Columns] | AsyncIterable[Columns],
    ) -> None:
        """Insert rows, of which there may be more than fit into memory; in a transaction."""
        await self._connection.copy_records_to_table(table, records=rows, columns=fields)

    async def close(self) -> None:
        """Let go of the server; what has not been committed is gone."""
        try:
            await self._connection.close(timeout=1)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()


async def open_bulk(url: str) -> Bulk:
    """Connect. Raises StoreUnavailable; StoreError when the server is not fit for a ledger."""
    place = place_of(url)
    with _explained(place):
        connection = await asyncpg.connect(
            url, timeout=_CONNECT_WITHIN, statement_cache_size=0, target_session_attrs="read-write"
        )
        link = Link(connection, pooled=True)
        try:
            link.keep_alive()
            await link.check()
        except BaseException:
            connection.terminate()
            raise
    return Bulk(connection, place)


@contextmanager
def _explained(place: str) -> Iterator[None]:
    """Say where it was that something went wrong, with no more of the URL than that."""
    try:
        yield
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise StoreUnavailable(f"{place}: {describe(error)}") from error
    except asyncpg.PostgresError as error:
        raise StoreError(f"{place}: {describe(error)}") from error
