"""`Refusals`."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from time import monotonic

from tracker.model import Refusal, RefusalId, Scope
from tracker.search import Query
from tracker.sql.refusal_search import RefusalSearch
from tracker.sql.refusals import REFUSAL_COLUMNS, TYPES, older_refusals, refusal_columns
from tracker.sqlite.part import Part
from tracker.sqlite.query import DIALECT
from tracker.sqlite.readers import OutOfTime
from tracker.views import Patience, RefusalPage

_RECORD = (
    f"INSERT INTO refusals ({REFUSAL_COLUMNS}) VALUES ({', '.join('?' * len(TYPES))})"
    " ON CONFLICT (id) DO NOTHING"
)


class Refusals(Part):
    """Submissions that were not taken."""

    search_patience: Patience

    async def record_refusals(self, refusals: Sequence[Refusal]) -> None:
        rows = [refusal_columns(refusal) for refusal in refusals]

        def step(connection: sqlite3.Connection) -> None:
            connection.executemany(_RECORD, rows)

        await self._writer.run(step)

    async def refusals(
        self, query: Query, scope: Scope, *, limit: int, before: RefusalId | None = None
    ) -> RefusalPage:
        until = monotonic() + self.search_patience.search.total_seconds()
        search = RefusalSearch(query, scope, DIALECT, limit, before)
        with suppress(OutOfTime):
            async with self._readers.one() as reader:
                while (statement := search.statement()) is not None:
                    search.take(await reader.rows(*statement, until=until))
        return search.page()

    async def prune_refusals(self, before: datetime, limit: int) -> int:
        return await self._portions.run(
            "refusals",
            limit,
            lambda connection, size: connection.execute(*older_refusals(before, size)).rowcount,
        )
