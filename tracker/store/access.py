"""Who looked at whose mail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tracker.model import Access, AccessId, Scope
from tracker.views import Look


class Accesses(Protocol):
    """Looks at other people's mail, which those whose mail it is may see."""

    async def record_accesses(self, accesses: Sequence[Access]) -> None:
        """Put looks on record, in one transaction."""
        ...

    async def looks(
        self,
        scope: Scope,
        *,
        limit: int,
        before: AccessId | None = None,
        after: AccessId | None = None,
    ) -> Sequence[Look]:
        """Return looks at the mail in scope, newest first, each with its entries in scope.

        Of those with a lower id than `before`, or of those with a higher one than `after` those
        that come next.
        """
        ...

    async def prune_accesses(self, before: datetime, limit: int) -> int:
        """Drop at most `limit` looks from before a time; return how many."""
        ...
