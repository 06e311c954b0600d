"""`Refusals`."""

from collections.abc import Sequence
from datetime import datetime

from tracker.model import Refusal, RefusalId, Scope
from tracker.postgres.arrays import Columnar
from tracker.postgres.part import Part
from tracker.postgres.query import DIALECT, numbered
from tracker.search import Query
from tracker.sql.refusals import (
    REFUSAL_COLUMNS,
    TYPES,
    last_looked_at,
    make_refusal_page,
    older_refusals,
    read_refusal,
    refusal_columns,
    search_refusals,
    select_refusals,
)
from tracker.views import RefusalPage

_ROWS = Columnar(TYPES)

_RECORD = (
    f"INSERT INTO refusals ({REFUSAL_COLUMNS}) SELECT {REFUSAL_COLUMNS}"
    f" FROM {_ROWS.unnest('r', 1)} ON CONFLICT (id) DO NOTHING"
)


class Refusals(Part):
    """Submissions that were not taken."""

    async def record_refusals(self, refusals: Sequence[Refusal]) -> None:
        arrays = _ROWS.arrays(refusal_columns(refusal) for refusal in refusals)
        await self._connections.run(lambda transaction: transaction.execute(_RECORD, *arrays))

    async def refusals(
        self,
        scope: Scope,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int,
        before: RefusalId | None = None,
    ) -> Sequence[Refusal]:
        sql, parameters = numbered(*select_refusals(scope, since, until, limit, before))
        return [read_refusal(row) for row in await self._connections.rows(sql, *parameters)]

    async def search_refusals(
        self, query: Query, scope: Scope, *, limit: int, before: RefusalId | None = None
    ) -> RefusalPage:
        search = numbered(*search_refusals(query, scope, DIALECT, limit + 1, before))
        edge = numbered(*last_looked_at(query, scope, before))
        async with self._connections.reading() as reader:
            rows = await reader.rows(search.sql, *search.parameters)
            last = await reader.row(edge.sql, *edge.parameters)
        return make_refusal_page(rows, limit, last)

    async def prune_refusals(self, before: datetime, limit: int) -> int:
        sql, parameters = numbered(*older_refusals(before, limit))
        return await self._connections.run(
            lambda transaction: transaction.execute(sql, *parameters)
        )
