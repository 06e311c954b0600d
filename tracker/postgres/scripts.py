"""Runs what is written once for every database.

What a person did is not repeated when its answer got lost: they are told to look.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from tracker.model import Deed
from tracker.postgres.act import perform
from tracker.postgres.connections import Transaction
from tracker.postgres.part import Part
from tracker.postgres.query import numbered
from tracker.postgres.reroute import reroute
from tracker.sql.conditions import Statement
from tracker.sql.rows import Columns
from tracker.sql.script import Change, Script, Scripted

T = TypeVar("T")


class Scripts(Scripted, Part):
    """Steps, and looks of one statement."""

    _TURN = "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))"

    async def _run(self, script: Callable[[], Script[T]]) -> T:
        async def step(transaction: Transaction) -> T:
            running = script()
            try:
                wanted = next(running)
                while True:
                    wanted = running.send(await self._answer(transaction, wanted))
            except StopIteration as end:
                result: T = end.value
                return result

        return await self._connections.run(step)

    async def _answer(
        self, transaction: Transaction, wanted: Statement | Change
    ) -> Sequence[Columns]:
        if isinstance(wanted, Change):
            if wanted.deed is Deed.REROUTE:
                return await reroute(transaction, wanted, self._entropy)
            return await perform(transaction, wanted, self._entropy)
        sql, parameters = numbered(*wanted)
        return await transaction.rows(sql, *parameters)

    async def _look(self, statement: Statement) -> Sequence[Columns]:
        sql, parameters = numbered(*statement)
        return await self._connections.rows(sql, *parameters)

    def _made_due(self) -> None:
        self._bell.ring()
