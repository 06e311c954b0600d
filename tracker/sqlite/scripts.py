"""Runs what is written once for every database."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

from tracker.model import Deed
from tracker.sql.conditions import Statement
from tracker.sql.rows import Columns
from tracker.sql.script import Change, Script, Scripted, run
from tracker.sqlite.act import perform
from tracker.sqlite.part import Part
from tracker.sqlite.reroute import reroute

T = TypeVar("T")


class Scripts(Scripted, Part):
    """Steps of the writer, and looks of one statement."""

    async def _run(self, script: Callable[[], Script[T]]) -> T:
        def step(connection: sqlite3.Connection) -> T:
            return run(script(), lambda wanted: self._answer(connection, wanted))

        return await self._writer.run(step)

    async def _run_some(self, chore: str, most: int, script: Callable[[int], Script[int]]) -> int:
        def step(connection: sqlite3.Connection, size: int) -> int:
            return run(script(size), lambda wanted: self._answer(connection, wanted))

        return await self._portions.run(chore, most, step)

    def _answer(
        self, connection: sqlite3.Connection, wanted: Statement | Change
    ) -> Sequence[Columns]:
        if isinstance(wanted, Change):
            if wanted.deed is Deed.REROUTE:
                return reroute(connection, wanted, self._entropy)
            return perform(connection, wanted, self._entropy)
        return connection.execute(*wanted).fetchall()

    async def _look(self, statement: Statement) -> Sequence[Columns]:
        async with self._readers.one() as reader:
            return await reader.rows(*statement)
