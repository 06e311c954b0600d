"""`Refusals`."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic

from tracker.model import Refusal, RefusalId, Scope
from tracker.search import Query
from tracker.sql.refusal_search import RefusalSearch, RefusalTally, RefusalWalk
from tracker.sql.refusals import REFUSAL_COLUMNS, TYPES, older_refusals, refusal_columns
from tracker.sqlite.part import Part
from tracker.sqlite.query import DIALECT
from tracker.sqlite.readers import OutOfTime
from tracker.views import Patience, RefusalCount, RefusalPage

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
        search = RefusalSearch(query, scope, DIALECT, limit, before)
        await self._walk_refusals(search, self.search_patience.search)
        return search.page()

    async def count_refusals(self, query: Query, scope: Scope, *, cap: int = 1000) -> RefusalCount:
        tally = RefusalTally(query, scope, DIALECT, cap)
        await self._walk_refusals(tally, self.search_patience.counts)
        return tally.count()

    async def _walk_refusals(self, walk: RefusalWalk, patience: timedelta) -> None:
        until = monotonic() + patience.total_seconds()
        with suppress(OutOfTime):
            async with self._readers.one() as reader:
                while (statement := walk.statement()) is not None:
                    walk.take(await reader.rows(*statement, until=until))

    async def prune_refusals(self, before: datetime, limit: int) -> int:
        return await self._portions.run(
            "refusals",
            limit,
            lambda connection, size: connection.execute(*older_refusals(before, size)).rowcount,
        )
