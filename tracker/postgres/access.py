"""`Accesses`."""

from collections.abc import Sequence
from datetime import datetime

from tracker.model import Access, AccessId, Scope
from tracker.postgres.arrays import Columnar
from tracker.postgres.part import Part
from tracker.postgres.query import numbered
from tracker.sql.access import access_columns, make_looks, select_entries, select_looks
from tracker.sql.values import first_id
from tracker.views import Look

_ACCESSES = Columnar(
    {
        "id": "text",
        "at": "bigint",
        "actor": "text",
        "client": "text",
        "kind": "text",
        "page": "text",
        "account": "text",
        "account_domain": "text",
        "messages": "text",
    }
)

_RECORD = (
    f"INSERT INTO accesses ({_ACCESSES.names}) "
    f"SELECT {_ACCESSES.names} FROM {_ACCESSES.unnest('one', 1)}"
)

_PRUNE = """
DELETE FROM accesses WHERE id IN (SELECT id FROM accesses WHERE id < $1 ORDER BY id LIMIT $2)
"""


class Witnessing(Part):
    """Who looked at whose mail."""

    async def record_accesses(self, accesses: Sequence[Access]) -> None:
        arrays = _ACCESSES.arrays([access_columns(access) for access in accesses])
        await self._connections.run(lambda transaction: transaction.execute(_RECORD, *arrays))

    async def looks(
        self,
        scope: Scope,
        *,
        limit: int,
        before: AccessId | None = None,
        after: AccessId | None = None,
    ) -> Sequence[Look]:
        async with self._connections.reading() as reader:
            sql, parameters = numbered(*select_looks(scope, limit, before, after))
            ids = [row[0] for row in await reader.rows(sql, *parameters)]
            if not ids:
                return []
            sql, parameters = numbered(*select_entries(scope, ids))
            rows = await reader.rows(sql, *parameters)
        return make_looks(ids, rows)

    async def prune_accesses(self, before: datetime, limit: int) -> int:
        oldest = first_id(before)
        return await self._connections.run(
            lambda transaction: transaction.execute(_PRUNE, oldest, limit)
        )
