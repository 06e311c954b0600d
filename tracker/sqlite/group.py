"""A group of steps that share one transaction: run on the connection, then committed.

A step is a function of the connection, with no effect on anything else: it may run twice. What
comes in numbers, accepting and settling, is a `Kind`: its items go through the same few
statements together. A step that fails takes nothing with it but itself.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tracker.sqlite.connection import as_store_error, connect_writer
from tracker.sqlite.turn import TurnLock
from tracker.store import StoreUnavailable

_CHANGES_PER_CHECKPOINT = 10_000
"""Changed rows after which the WAL is copied back."""

_WAL_LIMIT = 64 * 1024 * 1024
"""Bytes of WAL above which it is cut down."""

_WAL_STEP = 16 * 1024 * 1024
"""Bytes that it may grow until the next trial, where a reader was in the way."""


class Kind(NamedTuple):
    """A step that is taken for many items at once."""

    together: Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]
    """Take it for all of them and return their results in order. Raises when one cannot be."""
    alone: Callable[[sqlite3.Connection, Any], Any]
    """Take it for one, and raise what is wrong with it."""


def _each(connection: sqlite3.Connection, steps: Sequence[Callable[..., Any]]) -> list[Any]:
    return [step(connection) for step in steps]


STEP = Kind(_each, lambda connection, step: step(connection))
"""Any function of the connection."""


class Pending(NamedTuple):
    """One step of a group, and who waits for it."""

    kind: Kind
    item: Any
    future: asyncio.Future[Any]


class Done(NamedTuple):
    """What came of a step; it counts once the group is committed."""

    future: asyncio.Future[Any]
    result: Any
    error: BaseException | None


class GroupConnection:
    """The read-write connection: opened when needed, dropped when it is broken.

    For one caller at a time, from whichever thread. The turn is held from `run` to `commit`,
    whatever happens in between.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wal = f"{path}-wal"
        self._turn = TurnLock(path)
        self._connection: sqlite3.Connection | None = None
        self._checkpointed_at = 0
        self._tolerated = _WAL_LIMIT

    @property
    def is_open(self) -> bool:
        """True when a group may run without opening files first."""
        return self._connection is not None

    def try_take_turn(self) -> bool:
        """Take the turn for the next group if it is free; say whether it was."""
        return self._turn.try_take()

    def take_turn(self) -> None:
        """Wait for the turn. Blocks the thread. Raises OSError."""
        self._turn.take()

    def give_turn_back(self) -> None:
        """Let others write; `commit` does so itself."""
        self._turn.give_back()

    def run(self, group: Sequence[Pending]) -> list[Done]:
        """Run steps in a transaction that stays open; the caller has the turn. Never raises."""
        try:
            if self._connection is None:
                self._connection = connect_writer(self._path)
                self._checkpointed_at = 0
            self._connection.execute("BEGIN IMMEDIATE").close()
            return _run_steps(self._connection, group)
        except Exception as error:
            self._drop()
            return fail_all(group, error)

    def commit(self, group: Sequence[Pending], done: list[Done]) -> list[Done]:
        """Make durable what `run` has done and give the turn back; never raises."""
        try:
            if self._connection is not None:
                self._connection.execute("COMMIT").close()
            return done
        except Exception as error:
            self._drop()
            return fail_all(group, error)
        finally:
            self._turn.give_back()

    @property
    def is_tidy_due(self) -> bool:
        """True when `tidy` has something to do."""
        connection = self._connection
        return connection is not None and (
            connection.total_changes - self._checkpointed_at >= _CHANGES_PER_CHECKPOINT
            or self._wal_size() > self._tolerated
        )

    def tidy(self) -> None:
        """Copy the WAL back. Blocks the thread; a failure is no harm: the WAL has it all."""
        connection = self._connection
        if connection is None:
            return
        self._checkpointed_at = connection.total_changes
        mode = "TRUNCATE" if self._wal_size() > self._tolerated else "PASSIVE"
        with suppress(sqlite3.Error, OSError), self._turn.held():
            connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        self._tolerated = max(_WAL_LIMIT, self._wal_size() + _WAL_STEP)

    def close(self) -> None:
        """Copy the WAL back and close. Blocks the thread."""
        if self._connection is not None:
            with suppress(sqlite3.Error, OSError), self._turn.held():
                self._connection.close()
        self._turn.close()

    def _wal_size(self) -> int:
        try:
            return os.stat(self._wal).st_size  # noqa: PTH116 - asked after each commit
        except OSError:
            return 0

    def _drop(self) -> None:
        """Let go of the connection: whatever state it is in, the next group begins afresh."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.rollback()
            with suppress(sqlite3.Error):
                connection.close()


def fail_all(group: Sequence[Pending], error: Exception) -> list[Done]:
    """Return that nothing of the group has happened."""
    unavailable = StoreUnavailable(str(error))
    unavailable.__cause__ = error
    return [Done(pending.future, None, unavailable) for pending in group]


def _run_steps(connection: sqlite3.Connection, group: Sequence[Pending]) -> list[Done]:
    """Run all steps, those of a kind together; when one fails, each once more in a savepoint.

    Failures are rare, and savepoints are a tenth of the work.
    """
    try:
        return _run_together(connection, group)
    except Exception:
        if not connection.in_transaction:
            raise
    connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    return [_run_alone(connection, pending) for pending in group]


def _run_together(connection: sqlite3.Connection, group: Sequence[Pending]) -> list[Done]:
    kinds: dict[Kind, list[Pending]] = {}
    for pending in group:
        kinds.setdefault(pending.kind, []).append(pending)
    done: list[Done] = []
    for kind, several in kinds.items():
        results = kind.together(connection, [pending.item for pending in several])
        done += [
            Done(pending.future, result, None)
            for pending, result in zip(several, results, strict=True)
        ]
    return done


def _run_alone(connection: sqlite3.Connection, pending: Pending) -> Done:
    """Run one step in a savepoint; raises only when the transaction as a whole is lost."""
    connection.execute("SAVEPOINT step")
    try:
        result = pending.kind.alone(connection, pending.item)
    except Exception as error:
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO step")
        connection.execute("RELEASE step")
        return Done(pending.future, None, as_store_error(error))
    connection.execute("RELEASE step")
    return Done(pending.future, result, None)
