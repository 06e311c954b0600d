"""Mail whose next try is farther away than it can be (see `tracker.store.Astray`)."""

from datetime import datetime
from functools import partial

from tracker.model import Gate
from tracker.postgres.clock import now_in
from tracker.postgres.connections import Transaction
from tracker.postgres.part import Part
from tracker.postgres.schedule import lower_next_due
from tracker.sql.values import stamp

# A node whose clock is behind must not take for astray what waits as it should.
_AFTER = f"SELECT greatest($2::bigint, {now_in('$3')} + $2::bigint - $1::bigint)"

# A step in the index for each destination, however many wait there.
_BRING_BACK = f"""
WITH chosen AS MATERIALIZED (
    SELECT w.id FROM destinations AS d CROSS JOIN LATERAL (
        SELECT q.id FROM queue AS q
        WHERE q.destination = d.destination AND q.lease IS NULL AND q.next_attempt_at IS NOT NULL
            AND q.next_attempt_at > $2 AND q.gate <> '{Gate.RATE}'
        ORDER BY q.next_attempt_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
    ) AS w LIMIT $3
)
UPDATE queue AS q SET next_attempt_at = $1
WHERE q.id = ANY (ARRAY(SELECT id FROM chosen)) RETURNING q.destination
"""

_PROBE = """
WITH chosen AS MATERIALIZED (
    SELECT destination FROM destinations WHERE NOT reachable AND next_probe_at > $2
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE destinations AS d SET next_probe_at = $1
FROM chosen WHERE d.destination = chosen.destination RETURNING d.destination
"""


class Astray(Part):
    """What a clock that was ahead has left behind."""

    async def bring_back(self, now: datetime, beyond: datetime, limit: int) -> int:
        given = self._clock.given(now)
        brought = await self._connections.run(
            partial(_bring_back, at=stamp(now), after=stamp(beyond), given=given, limit=limit)
        )
        if brought:
            self._bell.ring()
        return brought


async def _bring_back(
    transaction: Transaction, at: int, after: int, given: int | None, limit: int
) -> int:
    ((beyond,),) = await transaction.rows(_AFTER, at, after, given)
    rows = await transaction.rows(_BRING_BACK, at, beyond, limit)
    probes = await transaction.rows(_PROBE, at, beyond)
    await lower_next_due(transaction, dict.fromkeys([row[0] for row in (*rows, *probes)], at))
    return len(rows) + len(probes)
