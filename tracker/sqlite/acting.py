"""The verbs of people and of housekeeping (see `tracker.store.Store`)."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time
from functools import partial

from tracker.model import RecipientId, Scope, Status
from tracker.sqlite.act import change_status, give_up_held, retry_now
from tracker.sqlite.part import Part
from tracker.sqlite.portions import Step
from tracker.sqlite.prune import prune, read_ahead


class Acting(Part):
    """Hold, release, cancel, try now; prune."""

    async def change_status(
        self,
        recipients: Collection[RecipientId],
        to: Status,
        *,
        scope: Scope,
        actor: str,
        reason: str,
        now: datetime,
    ) -> int:
        changed = await self._writer.run(
            partial(
                change_status,
                recipients=tuple(recipients),
                to=to,
                scope=scope,
                actor=actor,
                reason=reason,
                now=now,
                entropy=self._entropy,
            )
        )
        return len(changed)

    async def retry_now(
        self, recipients: Collection[RecipientId], *, scope: Scope, actor: str, now: datetime
    ) -> int:
        changed = await self._writer.run(
            partial(
                retry_now,
                recipients=tuple(recipients),
                scope=scope,
                actor=actor,
                now=now,
                entropy=self._entropy,
            )
        )
        return len(changed)

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
