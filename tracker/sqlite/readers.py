"""Connections that only read. Each read sees one moment of the ledger."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite

from tracker.sql.rows import Columns
from tracker.sqlite.connection import as_store_error, connect_reader
from tracker.store import StoreError


class Reader:
    """A connection, lent for one query or for several that see the same moment."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str, parameters: Iterable[Any] = ()) -> list[Columns]:
        """Return every row of a query. Raises StoreUnavailable."""
        try:
            return [*await self._connection.execute_fetchall(sql, parameters)]
        except sqlite3.Error as error:
            raise as_store_error(error) from error

    async def row(self, sql: str, parameters: Iterable[Any] = ()) -> Columns | None:
        """Return the first row of a query, None when there is none. Raises StoreUnavailable."""
        rows = await self.rows(sql, parameters)
        return rows[0] if rows else None


class Readers:
    """A few read-only connections that are lent in turn."""

    def __init__(self) -> None:
        self._idle: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        self._count = 0
        self._closed = False

    async def open(self, path: Path, count: int) -> None:
        """Open `count` connections; the ledger must be open for writing already."""
        for _ in range(count):
            connector = partial(connect_reader, path)
            self._idle.put_nowait(await aiosqlite.Connection(connector, iter_chunk_size=256))
            self._count += 1

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Reader]:
        """Lend a connection for one query."""
        connection = await self._borrow()
        try:
            yield Reader(connection)
        except asyncio.CancelledError:
            await connection.interrupt()  # nobody waits for the answer any more
            raise
        finally:
            self._idle.put_nowait(connection)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        """Lend a connection for several queries that see the same moment."""
        connection = await self._borrow()
        reader = Reader(connection)
        try:
            await reader.rows("BEGIN")
            yield reader
        except asyncio.CancelledError:
            await connection.interrupt()
            raise
        finally:
            await asyncio.shield(self._end(connection))

    async def close(self) -> None:
        """Wait for what is lent, then close: a thread left over would keep the process alive."""
        self._closed = True
        while self._count:
            connection = await self._idle.get()
            self._count -= 1
            await connection.close()

    async def _borrow(self) -> aiosqlite.Connection:
        if self._closed:
            raise StoreError("the ledger is closed")
        return await self._idle.get()

    async def _end(self, connection: aiosqlite.Connection) -> None:
        # Queued behind whatever a cancelled caller left under way, so it ends that as well.
        with suppress(sqlite3.Error):
            await connection.rollback()
        self._idle.put_nowait(connection)
