"""`Troubles`."""

from collections.abc import Sequence
from datetime import datetime

from tracker.explain import Category
from tracker.insight import Trouble, TroubleKey, TroubleKind
from tracker.sql.troubles import (
    UNREAD,
    mark_read,
    read_kinds,
    read_trouble,
    trouble_kinds,
    troubles,
)
from tracker.sql.values import stamp
from tracker.sqlite.part import Part


class Troubles(Part):
    """What went wrong on our side."""

    async def trouble_kinds(self, since: datetime, limit: int) -> Sequence[TroubleKind]:
        async with self._readers.one() as reader:
            return read_kinds(await reader.rows(*trouble_kinds(since, limit)))

    async def troubles(
        self,
        category: Category,
        since: datetime,
        *,
        limit: int,
        after: TroubleKey | None = None,
        only_unread: bool = False,
    ) -> Sequence[Trouble]:
        statement = troubles(category, since, limit, after, only_unread)
        async with self._readers.one() as reader:
            return [read_trouble(row) for row in await reader.rows(*statement)]

    async def unread_troubles(self, since: datetime) -> int:
        async with self._readers.one() as reader:
            ((count,),) = await reader.rows(UNREAD, (stamp(since),))
        return int(count)

    async def mark_read(
        self, category: Category, *, since: datetime, until: datetime, actor: str
    ) -> None:
        statement = mark_read(category, since, until, actor)
        await self._writer.run(lambda connection: connection.execute(*statement).close())
