"""`Acts`, `Suppressions`, `Errands` and `RefusedContent` on a server.

What a person did is not repeated when its answer got lost: they are told to look.
"""

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from tracker.mailbox import comparable
from tracker.model import Deed, RecipientId, Scope
from tracker.postgres.act import perform
from tracker.postgres.connections import Transaction
from tracker.postgres.part import Part
from tracker.postgres.query import SETTINGS, numbered
from tracker.postgres.reroute import reroute
from tracker.postgres.shown import ROWS
from tracker.sql.conditions import Statement, scope_condition
from tracker.sql.deeds import Deeds
from tracker.sql.rows import Columns
from tracker.sql.script import Change, Script
from tracker.sql.shown import read_row
from tracker.sql.values import well_formed
from tracker.views import Row

T = TypeVar("T")

_CHOSEN = "SELECT r.id, r.message_id FROM recipients AS r WHERE r.id = ANY (?::text[]) AND "

_AT_ONCE = 1000
"""Open recipients whose addresses are compared here, not by the server: it knows no IDNA."""


class PostgresDeeds(Deeds, Part):
    """Acts, the list of suppressed addresses, and errands."""

    _STILL_OPEN = "SELECT message_id FROM open_counts WHERE {among}"

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

    async def chosen(self, recipients: Collection[RecipientId], scope: Scope) -> Sequence[Row]:
        within = scope_condition(scope)
        ids = [well_formed(each) for each in recipients]
        sql, parameters = numbered(f"{_CHOSEN}{within.sql}", (ids, *within.parameters))
        async with self._connections.reading() as reader:
            await reader.execute(SETTINGS)
            found = await reader.rows(sql, *parameters)
            if not found:
                return []
            in_scope, messages = zip(*found, strict=True)
            rows = await reader.rows(
                ROWS, in_scope, min(in_scope), max(in_scope), min(messages), max(messages)
            )
        return sorted(map(read_row, rows), key=lambda row: row.recipient.id, reverse=True)

    async def waiting_for(
        self, addresses: Collection[str], scope: Scope, limit: int
    ) -> Sequence[RecipientId]:
        wanted = {comparable(address) for address in addresses}
        domains = sorted({address.rpartition("@")[2] for address in wanted})
        within = scope_condition(scope)
        found: list[RecipientId] = []
        after = ""
        while len(found) < limit:
            sql, parameters = numbered(
                "SELECT r.id, h.forward_path FROM queue AS r JOIN recipients AS h ON h.id = r.id"
                " WHERE r.id > ? AND h.domain = ANY (?::text[])"
                f" AND {within.sql} ORDER BY r.id LIMIT {_AT_ONCE}",
                (after, domains, *within.parameters),
            )
            rows = await self._connections.rows(sql, *parameters)
            found += [RecipientId(row[0]) for row in rows if comparable(row[1]) in wanted]
            if len(rows) < _AT_ONCE:
                break
            after = rows[-1][0]
        return found[:limit]
