"""Another way for recipients that wait or are held."""

from tracker.entropy import Entropy
from tracker.model import Gate, Status, Trigger
from tracker.postgres.connections import Transaction
from tracker.postgres.history import insert_events
from tracker.postgres.query import numbered
from tracker.postgres.schedule import probe_now
from tracker.sql.conditions import FREE, scope_condition
from tracker.sql.reroutes import due_by, events_of
from tracker.sql.rows import Columns
from tracker.sql.script import Change
from tracker.sql.values import stamp, well_formed

_IS_HELD = f"q.status = '{Status.HELD}'"

# Locked in the order of their ids, as everybody does who waits. Whoever has been sent yet another
# way meanwhile is found by what their row in the history says once it is locked, too. Everything is
# looked up with an array of keys, which leaves one plan.
_REROUTE = f"""
WITH wanted AS MATERIALIZED (
    SELECT * FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[])
        AS w (id, destination, next_hop, old_destination, old_next_hop)
), chosen AS MATERIALIZED (
    SELECT r.id FROM queue AS r WHERE r.id = ANY (ARRAY(SELECT id FROM wanted))
        AND {FREE} AND {{scope}}
    ORDER BY r.id FOR UPDATE
), moved AS (
    UPDATE recipients AS h SET destination = w.destination, next_hop = w.next_hop
    FROM wanted AS w
    WHERE h.id = ANY (ARRAY(SELECT id FROM chosen)) AND h.id BETWEEN ? AND ? AND w.id = h.id
        AND h.destination = w.old_destination AND h.next_hop = w.old_next_hop
    RETURNING h.id, h.destination
)
UPDATE queue AS q SET
    destination = m.destination,
    next_attempt_at = CASE WHEN NOT {_IS_HELD} THEN least(q.next_attempt_at, ?) END,
    gate = CASE WHEN {_IS_HELD} THEN q.gate ELSE '{Gate.NONE}' END,
    gate_detail = CASE WHEN {_IS_HELD} THEN q.gate_detail ELSE '' END,
    "trigger" = CASE WHEN {_IS_HELD} THEN q."trigger" ELSE '{Trigger.RETRY_NOW}' END
FROM moved AS m WHERE q.id = ANY (ARRAY(SELECT id FROM moved)) AND q.id = m.id
RETURNING q.id, q.message_id, q.destination, q.status
"""


async def reroute(transaction: Transaction, change: Change, entropy: Entropy) -> list[Columns]:
    """Send recipients another way; return id, message, destination and status of each that goes."""
    if not change.reroutes:
        return []
    at, within = stamp(change.now), scope_condition(change.scope)
    ids = [well_formed(one.recipient_id) for one in change.reroutes]
    ways = (
        ids,
        [one.destination for one in change.reroutes],
        [one.next_hop for one in change.reroutes],
        [one.old_destination for one in change.reroutes],
        [one.old_next_hop for one in change.reroutes],
    )
    sql, parameters = numbered(
        _REROUTE.format(scope=within.sql), (*ways, *within.parameters, min(ids), max(ids), at)
    )
    changed = await transaction.rows(sql, *parameters)
    await insert_events(transaction, events_of(changed, change, entropy))
    await probe_now(transaction, due_by(changed), at)
    return changed
