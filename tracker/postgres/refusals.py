"""`Refusals`."""

from collections.abc import Sequence
from datetime import datetime

from tracker.model import Refusal, RefusalId, Scope
from tracker.postgres.arrays import Columnar
from tracker.postgres.part import Part
from tracker.postgres.query import numbered
from tracker.sql.refusals import (
    REFUSAL_COLUMNS,
    TYPES,
    older_refusals,
    read_refusal,
    refusal_columns,
    select_refusals,
)

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

    async def prune_refusals(self, before: datetime, limit: int) -> int:
        sql, parameters = numbered(*older_refusals(before, limit))
        return await self._connections.run(
            lambda transaction: transaction.execute(sql, *parameters)
        )
