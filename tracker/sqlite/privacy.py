"""`Privacy`."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from tracker.model import MessageId
from tracker.sql.conditions import Statement
from tracker.sql.library import Library, Rewriting, rewritings, updates
from tracker.sql.rows import Columns
from tracker.sql.values import json_list
from tracker.sqlite.part import Part
from tracker.traces import Address, Elsewhere, Traces

_TEXTS = """
SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
WHERE t.type = 'table' AND upper(c.type) = 'TEXT' ORDER BY t.name, c.cid
"""


class Erasing(Part):
    """What is on record about an address."""

    async def find_traces(self, address: Address, after: str, limit: int) -> Traces:
        return await (await self._library()).find(address, after, limit)

    async def erase_traces(
        self, address: Address, messages: Sequence[MessageId], pseudonym: str
    ) -> int:
        changes = await (await self._library()).changes(address, messages, pseudonym)
        await self._writer.run(lambda connection: _run(connection, updates(changes)))
        return len({change.message_id for change in changes})

    async def find_elsewhere(self, address: Address) -> Sequence[Elsewhere]:
        return await (await self._library()).elsewhere(address)

    async def erase_elsewhere(self, address: Address, pseudonym: str) -> int:
        found = await (await self._library()).elsewhere(address)
        return await self._writer.run(
            lambda connection: _rewrite(connection, rewritings(found, address, pseudonym))
        )

    async def _library(self) -> Library:
        tables: dict[str, list[str]] = {}
        for table, column in await self._fetch(_TEXTS, ()):
            tables.setdefault(table, []).append(column)
        return Library(
            fetch=self._fetch,
            tables=tables,
            has="instr({text}, ?) > 0",
            lower="lower_unicode",
            among="IN (SELECT value FROM json_each(?))",
            pack=json_list,
        )

    async def _fetch(self, sql: str, parameters: Sequence[Any]) -> Sequence[Columns]:
        async with self._readers.one() as reader:
            return await reader.rows(sql, parameters)


def _run(connection: sqlite3.Connection, statements: Iterable[Statement]) -> int:
    return sum(connection.execute(*statement).rowcount for statement in statements)


def _rewrite(connection: sqlite3.Connection, rewritings: Iterable[Rewriting]) -> int:
    count = 0
    for (sql, parameters), drop in rewritings:
        sql = sql.replace("UPDATE", "UPDATE OR IGNORE", 1)
        count += connection.execute(sql, parameters).rowcount
        count += connection.execute(*drop).rowcount
    return count
