"""`Accesses`."""

from collections.abc import Sequence
from datetime import datetime

from tracker.model import Access, AccessId, Scope
from tracker.sql.access import (
    ACCESS_COLUMNS,
    access_columns,
    make_looks,
    select_entries,
    select_looks,
)
from tracker.sql.values import first_id
from tracker.sqlite.part import Part
from tracker.views import Look

_RECORD = f"INSERT INTO accesses ({ACCESS_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

_PRUNE = """
DELETE FROM accesses WHERE id IN (SELECT id FROM accesses WHERE id < ? ORDER BY id LIMIT ?)
"""


class Witnessing(Part):
    """Who looked at whose mail."""

    async def record_accesses(self, accesses: Sequence[Access]) -> None:
        rows = [access_columns(access) for access in accesses]
        await self._writer.run(lambda connection: connection.executemany(_RECORD, rows).rowcount)

    async def looks(
        self,
        scope: Scope,
        *,
        limit: int,
        before: AccessId | None = None,
        after: AccessId | None = None,
    ) -> Sequence[Look]:
        async with self._readers.snapshot() as reader:
            ids = [row[0] for row in await reader.rows(*select_looks(scope, limit, before, after))]
            rows = await reader.rows(*select_entries(scope, ids)) if ids else []
        return make_looks(ids, rows)

    async def prune_accesses(self, before: datetime, limit: int) -> int:
        oldest = first_id(before)
        return await self._portions.run(
            "accesses",
            limit,
            lambda connection, size: connection.execute(_PRUNE, (oldest, size)).rowcount,
        )
