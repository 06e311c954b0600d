"""`Refusals`."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from tracker.model import Refusal, RefusalId, Scope
from tracker.postgres.arrays import Columnar
from tracker.postgres.connections import Lane
from tracker.postgres.look import OutOfTime, looking
from tracker.postgres.part import Part
from tracker.postgres.query import DIALECT, numbered
from tracker.search import Query
from tracker.sql.refusal_search import RefusalSearch, RefusalTally, RefusalWalk
from tracker.sql.refusals import REFUSAL_COLUMNS, TYPES, older_refusals, refusal_columns
from tracker.views import Patience, RefusalCount, RefusalPage

_ROWS = Columnar(TYPES)

_RECORD = (
    f"INSERT INTO refusals ({REFUSAL_COLUMNS}) SELECT {REFUSAL_COLUMNS}"
    f" FROM {_ROWS.unnest('r', 1)} ON CONFLICT (id) DO NOTHING"
)


class Refusals(Part):
    """Submissions that were not taken."""

    search_patience: Patience
    _searchers: Lane

    async def record_refusals(self, refusals: Sequence[Refusal]) -> None:
        arrays = _ROWS.arrays(refusal_columns(refusal) for refusal in refusals)
        await self._connections.run(lambda transaction: transaction.execute(_RECORD, *arrays))

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
        with suppress(OutOfTime):
            async with looking(self._searchers, patience) as look:
                while (statement := walk.statement()) is not None:
                    reader = await look.turn()
                    sql, parameters = numbered(*statement)
                    walk.take(await reader.rows(sql, *parameters))

    async def prune_refusals(self, before: datetime, limit: int) -> int:
        sql, parameters = numbered(*older_refusals(before, limit))
        return await self._connections.run(
            lambda transaction: transaction.execute(sql, *parameters)
        )
