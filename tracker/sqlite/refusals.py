"""`Refusals`."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from tracker.model import Refusal, RefusalId, Scope
from tracker.sql.refusals import (
    REFUSAL_COLUMNS,
    TYPES,
    older_refusals,
    read_refusal,
    refusal_columns,
    select_refusals,
)
from tracker.sqlite.part import Part

_RECORD = (
    f"INSERT INTO refusals ({REFUSAL_COLUMNS}) VALUES ({', '.join('?' * len(TYPES))})"
    " ON CONFLICT (id) DO NOTHING"
)


class Refusals(Part):
    """Submissions that were not taken."""

    async def record_refusals(self, refusals: Sequence[Refusal]) -> None:
        rows = [refusal_columns(refusal) for refusal in refusals]

        def step(connection: sqlite3.Connection) -> None:
            connection.executemany(_RECORD, rows)

        await self._writer.run(step)

    async def refusals(
        self,
        scope: Scope,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int,
        before: RefusalId | None = None,
    ) -> Sequence[Refusal]:
        async with self._readers.one() as reader:
            rows = await reader.rows(*select_refusals(scope, since, until, limit, before))
        return [read_refusal(row) for row in rows]

    async def prune_refusals(self, before: datetime, limit: int) -> int:
        return await self._portions.run(
            "refusals",
            limit,
            lambda connection, size: connection.execute(*older_refusals(before, size)).rowcount,
        )
