"""The verbs that tidy (see `tracker.store.Store`)."""

from datetime import UTC, date, datetime, time

from tracker.sqlite.act import give_up_held
from tracker.sqlite.part import Part
from tracker.sqlite.portions import Step
from tracker.sqlite.prune import prune, read_ahead


class Tending(Part):
    """Prune and tend, and give up what is held too long."""

    async def prune(self, before: date, limit: int) -> int:
        start = datetime.combine(before, time(), UTC)

        async def prepare(size: int) -> Step:
            async with self._readers.one() as reader:
                await reader.rows(*read_ahead(start, size))
            return lambda connection: prune(connection, start, size)

        return await self._portions.prepared("prune", limit, prepare)

    async def tend(self, now: datetime) -> None:
        """Do nothing: the writer looks after the file as it writes."""

    async def give_up_held(self, now: datetime, limit: int) -> int:
        return await self._portions.run(
            "give_up_held",
            limit,
            lambda connection, size: give_up_held(connection, now, size, self._entropy),
            is_urgent=True,
        )
