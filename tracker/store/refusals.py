"""The protocol of what keeps submissions that were refused."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tracker.model import Refusal, RefusalId, Scope
from tracker.search import Query
from tracker.views import RefusalCount, RefusalPage


class Refusals(Protocol):
    """Submissions that were not taken. Every verb raises StoreUnavailable."""

    async def record_refusals(self, refusals: Sequence[Refusal]) -> None:
        """Put them on record. What is on record already is left as it is, so it may be repeated."""
        ...

    async def refusals(
        self, query: Query, scope: Scope, *, limit: int, before: RefusalId | None = None
    ) -> RefusalPage:
        """Return those that match, newest first; keyset paging by id.

        The query's range of time is that of the refusal. A term of a field that it has not
        (`tracker.search.NOT_TAKEN`) is true of none. The search ends when its time is over, and
        says so (`Ledger.search_patience`).
        """
        ...

    async def count_refusals(self, query: Query, scope: Scope, *, cap: int = 1000) -> RefusalCount:
        """Count those that `refusals` returns; what is above `cap` is given as `cap` + 1.

        Nothing of them is shown, so that counting is no look at anybody's mail.
        """
        ...

    async def prune_refusals(self, before: datetime, limit: int) -> int:
        """Drop at most `limit` that are older than `before`; return how many."""
        ...
