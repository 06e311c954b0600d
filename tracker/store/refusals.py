"""The protocol of what keeps submissions that were refused."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tracker.model import Refusal, RefusalId, Scope


class Refusals(Protocol):
    """Submissions that were not taken. Every verb raises StoreUnavailable."""

    async def record_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Put them on record. What is on record already is left as it is, so it may be repeated."""
        ...

    async def refusals(
        self,
        scope: Scope,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int,
        before: RefusalId | None = None,
    ) -> Sequence[Refusal]:
        """Return those of `since` <= time < `until`, newest first; keyset paging by id."""
        ...

    async def prune_refusals(self, before: datetime, limit: int) -> int:
        """Drop at most `limit` that are older than `before`; return how many."""
        ...
