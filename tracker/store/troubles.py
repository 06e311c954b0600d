"""What went wrong on our side, and what of it somebody has read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tracker.explain import Category
from tracker.insight import Trouble, TroubleKey, TroubleKind


class Troubles(Protocol):
    """Failures that are ours to mend, by what they are and at which place they came up."""

    async def trouble_kinds(self, since: datetime, limit: int) -> Sequence[TroubleKind]:
        """Return the kinds, the latest first, each with at most `limit` of its places."""
        ...

    async def troubles(
        self,
        category: Category,
        since: datetime,
        *,
        limit: int,
        after: TroubleKey | None = None,
        only_unread: bool = False,
    ) -> Sequence[Trouble]:
        """Return places of one kind, the latest first, from behind `after`.

        What comes up or is read meanwhile moves none of those that follow.
        """
        ...

    async def unread_troubles(self, since: datetime) -> int:
        """Return how many places of a kind have failed since somebody has read of them."""
        ...

    async def mark_read(
        self, category: Category, *, since: datetime, until: datetime, actor: str
    ) -> None:
        """Note that somebody has read of a kind, at all places that failed in that time.

        What comes up after `until` stays unread. Whoever has read of a place as far, or further,
        stays the one who did.
        """
        ...
