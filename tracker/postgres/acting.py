"""The verbs of people (see `tracker.store.Store`).

What a person did is not repeated when its answer got lost: they are told to look.
"""

from collections.abc import Collection
from datetime import datetime
from functools import partial

from tracker.model import RecipientId, Scope, Status
from tracker.postgres.act import change_status, retry_now
from tracker.postgres.part import Part


class Acting(Part):
    """Hold, release, cancel, try now."""

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
        changed = await self._connections.run(
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
        if changed and to is Status.QUEUED:
            self._bell.ring()
        return len(changed)

    async def retry_now(
        self, recipients: Collection[RecipientId], *, scope: Scope, actor: str, now: datetime
    ) -> int:
        changed = await self._connections.run(
            partial(
                retry_now,
                recipients=tuple(recipients),
                scope=scope,
                actor=actor,
                now=now,
                entropy=self._entropy,
            )
        )
        if changed:
            self._bell.ring()
        return len(changed)
