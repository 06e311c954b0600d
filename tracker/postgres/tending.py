"""The verbs that tidy (see `tracker.store.Store`)."""

from datetime import date, datetime

from tracker.postgres.connections import Transaction
from tracker.postgres.part import Part
from tracker.postgres.partitions import AHEAD, make_room, today
from tracker.postgres.prune import prune

# Each server process counts in a row of its own; when a day is over one row is enough. Whoever
# still counts in one of them is left alone, and begins a new one next time.
_FOLD = """
WITH gone AS (
    DELETE FROM tallies WHERE (day, backend) IN (
        SELECT day, backend FROM tallies WHERE day < $1 AND backend <> 0
        FOR UPDATE SKIP LOCKED)
    RETURNING day, accepted, delivered, bounced, expired, cancelled
)
INSERT INTO tallies AS t (day, backend, accepted, delivered, bounced, expired, cancelled)
SELECT day, 0, sum(accepted), sum(delivered), sum(bounced), sum(expired), sum(cancelled)
FROM gone GROUP BY day ORDER BY day
ON CONFLICT (day, backend) DO UPDATE SET
    accepted = t.accepted + excluded.accepted, delivered = t.delivered + excluded.delivered,
    bounced = t.bounced + excluded.bounced, expired = t.expired + excluded.expired,
    cancelled = t.cancelled + excluded.cancelled
"""


class Tending(Part):
    """Prune and tend."""

    async def prune(self, before: date, limit: int) -> int:
        return await prune(self._connections, before, limit)

    async def tend(self, now: datetime) -> None:
        given = self._clock.given(now)

        async def prepare(transaction: Transaction) -> int:
            day = await today(transaction, given)
            await make_room(transaction, range(day, day + AHEAD + 1))
            return day

        day = await self._connections.run(prepare)
        await self._connections.run(lambda each: each.execute(_FOLD, day))
