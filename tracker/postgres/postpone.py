"""Giving recipients back untried."""

from collections.abc import Sequence

from tracker.model import LeaseToken, Postponement, RecipientId
from tracker.postgres.connections import Connections
from tracker.sql.values import stamp, well_formed
from tracker.store import LeaseLost

_POSTPONE = """
WITH held AS (
    SELECT id FROM queue WHERE id = ANY($1::text[]) AND lease = $2 ORDER BY id FOR UPDATE
),
gate AS MATERIALIZED (SELECT count(*) = cardinality($1::text[]) AS is_open FROM held),
waiting AS (
    UPDATE queue AS q SET lease = NULL, claim = NULL, next_attempt_at = $3::bigint, gate = $4,
        gate_detail = $5, look_at = greatest(q.look_at, least($3::bigint, q.expires_at))
    FROM held WHERE q.id = held.id AND (SELECT is_open FROM gate)
    RETURNING q.destination
),
due AS (
    INSERT INTO destinations AS d (destination, next_due_at)
    SELECT w.destination, $3::bigint FROM (SELECT DISTINCT destination FROM waiting) AS w
    LEFT JOIN destinations AS known ON known.destination = w.destination
    WHERE known.next_due_at IS NULL OR known.next_due_at > $3::bigint
    ORDER BY w.destination
    ON CONFLICT (destination) DO UPDATE SET
        next_due_at = least(d.next_due_at, excluded.next_due_at)
)
SELECT is_open, (SELECT count(*) FROM held) FROM gate
"""


async def give_back(
    connections: Connections,
    lease: LeaseToken,
    recipients: Sequence[RecipientId],
    why: Postponement,
) -> None:
    """Give recipients back until `why.until`. Raises LeaseLost, StoreUnavailable."""
    ids = sorted(set(recipients))
    ((is_held, count),) = await connections.write(
        _POSTPONE, ids, lease, stamp(why.until), why.gate.value, well_formed(why.detail)
    )
    if not is_held:
        raise LeaseLost(f"lease {lease} holds {count} of {len(ids)} recipients")
