"""One connection with a thread of its own, for work that is long and has the ledger to itself.

A transaction here may be fed from somewhere else while it lasts, which the writer of a ledger that
is at work must never allow. The turn lock is held as it is there.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from tracker.sql.rows import Columns
from tracker.sqlite.connection import as_store_error, connect_writer
from tracker.sqlite.turn import TurnLock
from tracker.store import StoreError, StoreUnavailable

T = TypeVar("T")

_WAL_LIMIT = 64 * 1024 * 1024
"""Bytes of WAL above which it is copied back and cut down."""


class Bulk:
    """A connection to the ledger at `path`, for one task at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-bulk")
        self._turn = TurnLock(path)
        self._is_our_turn = False
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Connect. Raises StoreError when it is no ledger, StoreUnavailable."""
        async with self.turn():
            self._connection = await self._call(connect_writer, self._path)

    async def run(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `step` does with the connection. Raises StoreUnavailable."""
        if self._connection is None:
            raise StoreError("the ledger is closed")
        return await self._call(step, self._connection)

    async def rows(self, sql: str, parameters: Columns = ()) -> list[Columns]:
        """Return the rows of a query. Raises StoreUnavailable."""
        return await self.run(lambda connection: connection.execute(sql, parameters).fetchall())

    async def execute(self, sql: str, rows: Iterable[Columns]) -> None:
        """Run a statement with each of `rows`. Raises StoreUnavailable."""
        await self.run(lambda connection: connection.executemany(sql, rows))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the turn: nobody else writes meanwhile. It may be held already."""
        if self._is_our_turn:
            yield
            return
        with ExitStack() as stack:
            await self._call(stack.enter_context, self._turn.held())
            self._is_our_turn = True
            stack.callback(setattr, self, "_is_our_turn", False)
            yield

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Commit what happens in the context when it ends well. Raises StoreUnavailable."""
        async with self.turn():
            await self.run(lambda connection: connection.execute("BEGIN IMMEDIATE"))
            try:
                yield
                await self.run(lambda connection: connection.execute("COMMIT"))
            except BaseException:
                with suppress(StoreError):
                    await self.run(sqlite3.Connection.rollback)
                raise
            await self._tidy()

    async def close(self) -> None:
        """Copy the WAL back and let go of the file."""
        if self._connection is not None:
            async with self.turn():
                await self.run(sqlite3.Connection.close)
            self._connection = None
        self._thread.shutdown()
        self._turn.close()

    async def _tidy(self) -> None:
        """Cut the WAL down when it is long. A failure is no harm: it has it all."""
        with suppress(OSError, StoreError):
            if self._wal.stat().st_size > _WAL_LIMIT:
                await self.run(
                    lambda connection: connection.execute(
                        "PRAGMA wal_checkpoint(TRUNCATE)"
                    ).fetchall()
                )

    async def _call(self, function: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, function, *arguments)
        except sqlite3.Error as error:
            kind = StoreUnavailable if as_store_error(error) is not error else StoreError
            raise kind(f"{self._path}: {error}") from error
