"""One thread of a process writes; everything that waits shares one commit.

A step is a function of the connection, with no effect on anything else: it may run twice. The
thread takes one, adds whatever else waits by then, and runs them in one transaction. A step that
fails takes nothing with it but itself. The futures are resolved after the commit and only then.

Nothing is written and no checkpoint runs without the turn lock, which also covers opening and
closing the connection: SQLite checkpoints of its own accord when the last one closes.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

from tracker.sqlite.connection import as_store_error, connect_writer
from tracker.sqlite.turn import TurnLock
from tracker.store import StoreError, StoreUnavailable

T = TypeVar("T")

GROUP = 500
"""Steps that share one commit at most."""

_CHANGES_PER_CHECKPOINT = 10_000
"""Changed rows after which the WAL is copied back."""

_WAL_LIMIT = 64 * 1024 * 1024
"""Bytes of WAL above which it is cut down."""

_WAL_STEP = 16 * 1024 * 1024
"""Bytes that it may grow until the next trial, where a reader was in the way."""


class _Pending(NamedTuple):
    step: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]


class _Done(NamedTuple):
    future: asyncio.Future[Any]
    result: Any
    error: BaseException | None


class Writer:
    """The only read-write connection of this process, and its thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = TurnLock(path)
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Pending | None] = SimpleQueue()
        self._closed = False
        # Daemonic, for a process that ends without `close` shall end; a commit under way is
        # whole or absent either way.
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._thread.start()

    async def run(self, step: Callable[[sqlite3.Connection], T]) -> T:
        """Run `step` in the next group; return its result once that is on disk.

        A caller that is cancelled does not cancel its step. Raises what `step` raises, and
        StoreUnavailable when the group cannot be committed.
        """
        if self._closed:
            raise StoreError("the ledger is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Pending(step, future))
        return await future

    async def close(self) -> None:
        """Finish what waits, then let go of the file."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    # --- in the thread -------------------------------------------------------------------------

    def _work(self) -> None:
        ledger = _Connection(self._path, self._turn)
        while True:
            group, last = self._next_group()
            if group:
                done = ledger.run_group(group)
                with suppress(RuntimeError):  # the loop is gone, and with it whoever waited
                    self._loop.call_soon_threadsafe(_deliver, done)
                ledger.tidy()
            if last:
                break
        ledger.close()
        self._turn.close()

    def _next_group(self) -> tuple[list[_Pending], bool]:
        """Wait for a step and take what waits behind it; True when there is no more to come."""
        group: list[_Pending] = []
        pending = self._queue.get()
        with suppress(Empty):
            while pending is not None:
                group.append(pending)
                if len(group) == GROUP:
                    return group, False
                pending = self._queue.get_nowait()
            return group, True
        return group, False


class _Connection:
    """The connection as its thread sees it: opened when needed, dropped when it is broken."""

    def __init__(self, path: Path, turn: TurnLock) -> None:
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        self._turn = turn
        self._connection: sqlite3.Connection | None = None
        self._checkpointed_at = 0
        self._tolerated = _WAL_LIMIT

    def run_group(self, group: Sequence[_Pending]) -> list[_Done]:
        """Run steps in one transaction; never raises."""
        try:
            with self._turn.held(), self._transaction() as connection:
                done = _run_steps(connection, group)
        except Exception as error:
            unavailable = StoreUnavailable(str(error))
            unavailable.__cause__ = error
            return [_Done(pending.future, None, unavailable) for pending in group]
        return done

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._connection is None:
            self._connection = connect_writer(self._path)
            self._checkpointed_at = 0
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            # Whatever state it is in, the next group begins with a fresh connection.
            self._connection = None
            with suppress(sqlite3.Error):
                connection.rollback()
            with suppress(sqlite3.Error):
                connection.close()
            raise

    def tidy(self) -> None:
        """Checkpoint when it is time. A failure is no harm: the WAL has it all."""
        connection = self._connection
        if connection is None:
            return
        changes = connection.total_changes
        is_long = self._wal_size() > self._tolerated
        if not is_long and changes - self._checkpointed_at < _CHANGES_PER_CHECKPOINT:
            return
        self._checkpointed_at = changes
        mode = "TRUNCATE" if is_long else "PASSIVE"
        with suppress(sqlite3.Error, OSError), self._turn.held():
            connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        self._tolerated = max(_WAL_LIMIT, self._wal_size() + _WAL_STEP)

    def _wal_size(self) -> int:
        try:
            return self._wal.stat().st_size
        except OSError:
            return 0

    def close(self) -> None:
        """Copy the WAL back and close."""
        if self._connection is not None:
            with suppress(sqlite3.Error, OSError), self._turn.held():
                self._connection.close()


def _run_steps(connection: sqlite3.Connection, group: Sequence[_Pending]) -> list[_Done]:
    """Run all steps; when one fails, all once more, each in a savepoint.

    Failures are rare, and savepoints are a tenth of the work.
    """
    try:
        return [_Done(pending.future, pending.step(connection), None) for pending in group]
    except Exception:
        if not connection.in_transaction:
            raise
    connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    return [_run_alone(connection, pending) for pending in group]


def _run_alone(connection: sqlite3.Connection, pending: _Pending) -> _Done:
    """Run one step in a savepoint; raises only when the transaction as a whole is lost."""
    connection.execute("SAVEPOINT step")
    try:
        result = pending.step(connection)
    except Exception as error:
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO step")
        connection.execute("RELEASE step")
        return _Done(pending.future, None, as_store_error(error))
    connection.execute("RELEASE step")
    return _Done(pending.future, result, None)


def _deliver(done: Sequence[_Done]) -> None:
    for future, result, error in done:
        if future.done():  # the caller was cancelled; what it asked for has happened all the same
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
