"""`Privacy`."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from tracker.model import MessageId
from tracker.postgres.connections import Transaction
from tracker.postgres.errors import is_duplicate
from tracker.postgres.part import Part
from tracker.postgres.query import numbered
from tracker.postgres.text.forget import MARK_MESSAGES
from tracker.sql.conditions import Statement
from tracker.sql.library import Library, rewritings, updates
from tracker.sql.rows import Columns
from tracker.traces import Address, Elsewhere, Traces

_TEXTS = """
SELECT t.relname::text, c.attname::text FROM pg_class AS t
JOIN pg_attribute AS c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p')
  AND NOT t.relispartition AND c.atttypid = 'text'::regtype
ORDER BY 1, c.attnum
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
        statements = [*updates(changes), Statement(MARK_MESSAGES, (sorted(changed),))]
        await self._connections.run(partial(_run, statements=statements))
        return len(changed)

    async def find_elsewhere(self, address: Address) -> Sequence[Elsewhere]:
        return await (await self._library()).elsewhere(address)

    async def erase_elsewhere(self, address: Address, pseudonym: str) -> int:
        found = await (await self._library()).elsewhere(address)
        count = 0
        for update, drop in rewritings(found, address, pseudonym):
            try:
                count += await self._connections.run(partial(_run, statements=[update]))
            except Exception as error:
                if not is_duplicate(error):
                    raise
                count += await self._connections.run(partial(_run, statements=[drop]))
        return count

    async def _library(self) -> Library:
        tables: dict[str, list[str]] = {}
        for table, column in await self._connections.rows(_TEXTS):
            tables.setdefault(table, []).append(column)
        return Library(
            fetch=self._fetch,
            tables=tables,
            has="strpos({text}, ?) > 0",
            lower="lower",
            among="= ANY (?)",
            pack=list,
        )

    async def _fetch(self, sql: str, parameters: Sequence[Any]) -> Sequence[Columns]:
        return await self._connections.rows(*_flat(numbered(sql, tuple(parameters))))


def _flat(statement: Statement) -> tuple[Any, ...]:
    return statement.sql, *statement.parameters


async def _run(transaction: Transaction, statements: Iterable[Statement]) -> int:
    count = 0
    for sql, parameters in statements:
        count += await transaction.execute(*_flat(numbered(sql, parameters)))
    return count
