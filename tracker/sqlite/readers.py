"""Connections that only read. Each read sees one moment of the ledger."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import aiosqlite

from tracker.sql.rows import Columns
from tracker.sqlite.connection import as_store_error, connect_reader
from tracker.store import StoreError, StoreUnavailable

_NEVER = float("inf")


class OutOfTime(StoreUnavailable):
    """A query was given up because its time was over."""


class Clock:
    """Until when a connection works on its query; the thread that does asks it."""

    def __init__(self) -> None:
        self.until = _NEVER

    def is_over(self) -> bool:
        return monotonic() > self.until


class Lent(NamedTuple):
    """A connection whose queries end when its clock says so."""

    connection: aiosqlite.Connection
    clock: Clock


class Reader:
    """A connection, lent for one query or for several that see the same moment."""

    def __init__(self, lent: Lent) -> None:
        self._connection, self._clock = lent

    async def rows(
        self, sql: str, parameters: Iterable[Any] = (), *, until: float = _NEVER
    ) -> list[Columns]:
        """Return every row of a query. Raises StoreUnavailable.

        Raises OutOfTime when it is not done by `until`, seconds of the monotonic clock.
        """
        if until <= monotonic():
            raise OutOfTime("the time is over")
        self._clock.until = until
        try:
            return [*await self._connection.execute_fetchall(sql, parameters)]
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT" and until < _NEVER:
                raise OutOfTime("the query takes too long") from error
            raise as_store_error(error) from error
        finally:
            self._clock.until = _NEVER

    async def row(self, sql: str, parameters: Iterable[Any] = ()) -> Columns | None:
        """Return the first row of a query, None when there is none. Raises StoreUnavailable."""
        rows = await self.rows(sql, parameters)
        return rows[0] if rows else None


async def connect(path: Path, clock: Clock) -> Lent:
    """Open a connection; the ledger must be open for writing already."""
    connector = partial(connect_reader, path, clock.is_over)
    return Lent(await aiosqlite.Connection(connector, iter_chunk_size=256), clock)


class Readers:
    """A few read-only connections that are lent in turn."""

    def __init__(self) -> None:
        self._idle: asyncio.LifoQueue[Lent] = asyncio.LifoQueue()
        self._count = 0
        self._closed = False

    async def open(self, path: Path, count: int) -> None:
        """Open `count` connections; the ledger must be open for writing already."""
        for _ in range(count):
            self._idle.put_nowait(await connect(path, Clock()))
            self._count += 1

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Reader]:
        """Lend a connection for one query."""
        lent = await self._borrow()
        try:
            yield Reader(lent)
        except asyncio.CancelledError:
            await lent.connection.interrupt()  # nobody waits for the answer any more
            raise
        finally:
            self._idle.put_nowait(lent)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        """Lend a connection for several queries that see the same moment."""
        lent = await self._borrow()
        reader = Reader(lent)
        try:
            await reader.rows("BEGIN")
            yield reader
        except asyncio.CancelledError:
            await lent.connection.interrupt()
            raise
        finally:
            await asyncio.shield(self._end(lent))

    async def close(self) -> None:
        """Wait for what is lent, then close: a thread left over would keep the process alive."""
        self._closed = True
        while self._count:
            lent = await self._idle.get()
            self._count -= 1
            await lent.connection.close()

    async def _borrow(self) -> Lent:
        if self._closed:
            raise StoreError("the ledger is closed")
        return await self._idle.get()

    async def _end(self, lent: Lent) -> None:
        # Queued behind whatever a cancelled caller left under way, so it ends that as well.
        with suppress(sqlite3.Error):
            await lent.connection.rollback()
        self._idle.put_nowait(lent)
