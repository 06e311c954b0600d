"""Steps that are the same in both ledgers: what they do, without the waiting.

A script yields a statement, its parameters written `?`, and gets its rows; whoever runs it knows
how to talk to its database. All of it is one transaction. What a ledger does in its own way, it
yields as a `Change`.
"""

from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple, TypeVar

from tracker.model import Deed, RecipientId, Reroute, Scope
from tracker.sql.conditions import Statement
from tracker.sql.rows import Columns

T = TypeVar("T")


class Change(NamedTuple):
    """A deed to recipients in a scope; its rows are the id of each that changed, and two more."""

    deed: Deed
    """Not SUPPRESS, which is a list and a CANCEL."""
    tells_sender: bool
    recipients: tuple[RecipientId, ...]
    scope: Scope
    actor: str
    reason: str
    now: datetime
    reroutes: tuple[Reroute, ...] = ()
    """Of a REROUTE, in place of `recipients`."""


Script = Generator[Statement | Change, Sequence[Columns], T]


def several(rows: Sequence[Columns]) -> Statement:
    """Return `(?, ?), (?, ?)` for rows, which are all of one width, with their values."""
    group = f"({', '.join('?' * len(rows[0]))})"
    values = tuple(value for row in rows for value in row)
    return Statement(", ".join([group] * len(rows)), values)


def any_of(column: str, values: Sequence[object]) -> Statement:
    """Return that `column` is one of `values`, of which there is one at least."""
    return Statement(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def run(script: Script[T], answer: Callable[[Statement | Change], Sequence[Columns]]) -> T:
    """Run a script where nothing has to be waited for."""
    try:
        wanted = next(script)
        while True:
            wanted = script.send(answer(wanted))
    except StopIteration as end:
        result: T = end.value
        return result


class Scripted:
    """Verbs of a ledger that runs scripts: they are written once, for every database."""

    _TURN: ClassVar[str] = "SELECT ?"
    """Makes others wait who are at the thing of this name, where more than one writes at a time."""

    async def _run(self, script: Callable[[], Script[T]]) -> T:
        """Run a script in one transaction; it may be made anew and run again."""
        raise NotImplementedError

    async def _run_some(self, chore: str, most: int, script: Callable[[int], Script[int]]) -> int:
        """Run a script for as many rows as others can wait for, `most` at most."""
        return await self._run(lambda: script(most))

    async def _apply(self, wanted: Statement | Change) -> int:
        """Run one statement that returns each row that it changed; return how many."""
        return await self._run(lambda: _count(wanted))

    async def _look(self, statement: Statement) -> Sequence[Columns]:
        """Return the rows of a statement that changes nothing."""
        raise NotImplementedError

    def _made_due(self) -> None:
        """Tell others that mail may have become due."""


def _count(wanted: Statement | Change) -> Script[int]:
    return len((yield wanted))
