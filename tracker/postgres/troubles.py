"""`Troubles`."""

from collections.abc import Sequence
from datetime import datetime

from tracker.explain import Category
from tracker.insight import Trouble, TroubleKey, TroubleKind
from tracker.postgres.part import Part
from tracker.postgres.query import numbered
from tracker.sql.troubles import (
    UNREAD,
    mark_read,
    read_kinds,
    read_trouble,
    trouble_kinds,
    troubles,
)
from tracker.sql.values import stamp


class Troubles(Part):
    """What went wrong on our side."""

    async def trouble_kinds(self, since: datetime, limit: int) -> Sequence[TroubleKind]:
        sql, parameters = numbered(*trouble_kinds(since, limit))
        return read_kinds(await self._connections.rows(sql, *parameters))

    async def troubles(
        self,
        category: Category,
        since: datetime,
        *,
        limit: int,
        after: TroubleKey | None = None,
        only_unread: bool = False,
    ) -> Sequence[Trouble]:
        sql, parameters = numbered(*troubles(category, since, limit, after, only_unread))
        return [read_trouble(row) for row in await self._connections.rows(sql, *parameters)]

    async def unread_troubles(self, since: datetime) -> int:
        sql, parameters = numbered(UNREAD, (stamp(since),))
        ((count,),) = await self._connections.rows(sql, *parameters)
        return int(count)

    async def mark_read(
        self, category: Category, *, since: datetime, until: datetime, actor: str
    ) -> None:
        sql, parameters = numbered(*mark_read(category, since, until, actor))
        await self._connections.write(sql, *parameters)
