"""What many deliveries together say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tracker.insight import Cohort, Dimension, Figure, Measure, Saying, Waiting
from tracker.model import Attempt, Scope


class Insight(Protocol):
    """Is it only this message, how is mail doing, and what is ours to mend."""

    async def cohort(self, attempt: Attempt, scope: Scope, now: datetime) -> Cohort | None:
        """Return whether others have met what `attempt` met; None when it was delivered.

        Counted live: the hour and the day before `now`.
        """
        ...

    async def waiting_at(self, destination: str, scope: Scope) -> Waiting:
        """Return how many wait for a destination, and since when."""
        ...

    async def sayings(
        self, destination: str, scope: Scope, since: datetime, limit: int
    ) -> Sequence[Saying]:
        """Return what a destination has answered to mail in scope, the most frequent first.

        Of its newest setbacks, some ten thousands.
        """
        ...

    async def figures(
        self,
        measure: Measure,
        by: Sequence[Dimension],
        scope: Scope,
        since: datetime,
        until: datetime,
        destination: str | None = None,
    ) -> Sequence[Figure]:
        """Count from `since` until `until`, which begin a slot of statistics.

        What the statistics do not hold yet is counted live, so that the numbers are those of the
        moment.
        """
        ...

    async def roll_up(self, before: datetime, limit: int) -> int:
        """Take into the statistics what happened before `before`, at most `limit` of each kind.

        Returns how many were taken in, so that the caller goes on until 0. Whatever stops it,
        nothing is counted twice and nothing is left out. One process at a time does it.
        """
        ...

    async def forget_statistics(self, setbacks: datetime, counts: datetime, limit: int) -> int:
        """Drop setbacks and statistics of before those times, at most `limit` of each.

        Returns how many, so that the caller goes on until 0.
        """
        ...
