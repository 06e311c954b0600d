"""`Privacy`."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from tracker.model import MessageId
from tracker.sql.library import Library, Rewriting, rewritings, updates
from tracker.sql.rows import Columns
from tracker.sql.traces import Change
from tracker.sql.values import json_list
from tracker.sqlite.part import Part
from tracker.sqlite.portions import Step
from tracker.sqlite.text.forget import mark_messages_to_forget
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
        changed = {change.message_id for change in changes}

        async def prepare(_: int) -> Step:
            return lambda connection: _erase(connection, changes, sorted(changed))

        return await self._portions.prepared("erasing", len(messages), prepare)

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


def _erase(
    connection: sqlite3.Connection, changes: Iterable[Change], messages: Sequence[str]
) -> int:
    for statement in updates(changes):
        connection.execute(*statement)
    mark_messages_to_forget(connection, messages)
    return len(messages)


def _rewrite(connection: sqlite3.Connection, rewritings: Iterable[Rewriting]) -> int:
    count = 0
    for (sql, parameters), drop in rewritings:
        sql = sql.replace("UPDATE", "UPDATE OR IGNORE", 1)
        count += connection.execute(sql, parameters).rowcount
        count += connection.execute(*drop).rowcount
    return count
