"""`Accesses`."""

from collections.abc import Sequence
from datetime import datetime

from tracker.model import Access, AccessId, Scope
from tracker.postgres.arrays import Columnar
from tracker.postgres.part import Part
from tracker.postgres.query import numbered
from tracker.sql.access import access_columns, read_access, select_accesses
from tracker.sql.values import first_id

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

    async def accesses(
        self,
        scope: Scope,
        *,
        limit: int,
        before: AccessId | None = None,
        after: AccessId | None = None,
    ) -> Sequence[Access]:
        sql, parameters = numbered(*select_accesses(scope, limit, before, after))
        found = [read_access(row) for row in await self._connections.rows(sql, *parameters)]
        return found if after is None else found[::-1]

    async def prune_accesses(self, before: datetime, limit: int) -> int:
        oldest = first_id(before)
        return await self._connections.run(
            lambda transaction: transaction.execute(_PRUNE, oldest, limit)
        )
