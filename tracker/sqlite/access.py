"""`Accesses`."""

from collections.abc import Sequence
from datetime import datetime

from tracker.model import Access, AccessId, Scope
from tracker.sql.access import ACCESS_COLUMNS, access_columns, read_access, select_accesses
from tracker.sql.values import first_id
from tracker.sqlite.part import Part

_RECORD = f"INSERT INTO accesses ({ACCESS_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

_PRUNE = """
DELETE FROM accesses WHERE id IN (SELECT id FROM accesses WHERE id < ? ORDER BY id LIMIT ?)
"""


class Witnessing(Part):
    """Who looked at whose mail."""

    async def record_accesses(self, accesses: Sequence[Access]) -> None:
        rows = [access_columns(access) for access in accesses]
        await self._writer.run(lambda connection: connection.executemany(_RECORD, rows).rowcount)

    async def accesses(
        self,
        scope: Scope,
        *,
        limit: int,
        before: AccessId | None = None,
        after: AccessId | None = None,
    ) -> Sequence[Access]:
        wanted = select_accesses(scope, limit, before, after)
        async with self._readers.one() as reader:
            rows = await reader.rows(*wanted)
        found = [read_access(row) for row in rows]
        return found if after is None else found[::-1]

    async def prune_accesses(self, before: datetime, limit: int) -> int:
        oldest = first_id(before)
        return await self._portions.run(
            "accesses",
            limit,
            lambda connection, size: connection.execute(_PRUNE, (oldest, size)).rowcount,
        )
