"""A group of steps that share one transaction: run on the connection, then committed.

A step is a function of the connection, with no effect on anything else: it may run twice. What
comes in numbers, accepting and settling, is a `Kind`: its items go through the same few
statements together. A step that fails takes nothing with it but itself.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tracker.sqlite.checkpoint import Checkpoints
from tracker.sqlite.connection import as_store_error, connect_writer
from tracker.sqlite.turn import TurnLock
from tracker.store import StoreUnavailable


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
    octets: int = 0
    """Of content that comes with it."""


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
        self._turn = TurnLock(path)
        self._checkpoints = Checkpoints(path, self._turn)
        self._connection: sqlite3.Connection | None = None

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
                self._checkpoints.begin()
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
        return self._connection is not None and self._checkpoints.is_due(self._connection)

    def tidy(self) -> None:
        """Copy the WAL back. Blocks the thread; a failure is no harm: the WAL has it all."""
        if self._connection is None:
            return
        try:
            self._checkpoints.go_on(self._connection)
        except (sqlite3.Error, OSError):
            with suppress(OSError), self._turn.held():
                self._drop()

    def close(self) -> None:
        """Copy the WAL back and close. Blocks the thread."""
        with suppress(sqlite3.Error):
            self._checkpoints.close()
        if self._connection is not None:
            with suppress(sqlite3.Error, OSError), self._turn.held():
                self._connection.close()
        self._turn.close()

    def _drop(self) -> None:
        """Let go of the connection: whatever state it is in, the next group begins afresh."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.rollback()
            with suppress(sqlite3.Error):
                connection.close()


def next_group(
    waiting: Sequence[Pending], *, most: int, octets: int
) -> tuple[list[Pending], list[Pending]]:
    """Return who of `waiting` shares the next commit, at most `most`, and who is left.

    With more content than `octets` they come in order of size to that bound, so that small mail
    does not wait until all of it is on the disk; but who has waited longest is always among them.
    """
    if sum(pending.octets for pending in waiting) > octets:
        first, *others = waiting
        order, room = [first, *sorted(others, key=lambda pending: pending.octets)], octets
    else:
        order, room = list(waiting), octets
    count = 0
    while count < min(most, len(order)) and (room >= order[count].octets or not count):
        room -= order[count].octets
        count += 1
    left = set(map(id, order[count:]))
    return order[:count], [pending for pending in waiting if id(pending) in left]


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
