"""Another way for recipients that wait or are held."""

import sqlite3

from tracker.entropy import Entropy
from tracker.model import Gate, Status, Trigger
from tracker.sql.conditions import scope_condition
from tracker.sql.reroutes import ENDING, due_by, events_of
from tracker.sql.rows import INSERT_EVENT, Columns, event_columns
from tracker.sql.script import Change
from tracker.sql.values import json_list, stamp, well_formed
from tracker.sqlite.act import make_due

_IS_HELD = f"r.status = '{Status.HELD}'"

# By the ids first, which leaves one plan: else all mail of an account might be gone through.
_REROUTE = f"""
WITH w AS MATERIALIZED (
    SELECT value ->> 0 AS id, value ->> 1 AS destination, value ->> 2 AS next_hop,
           value ->> 3 AS old_destination, value ->> 4 AS old_next_hop
    FROM json_each(?2)
)
UPDATE recipients AS r SET
    destination = w.destination, next_hop = w.next_hop,
    next_attempt_at = iif({_IS_HELD}, NULL, min(r.next_attempt_at, ?1)),
    gate = iif({_IS_HELD}, r.gate, '{Gate.NONE}'),
    gate_detail = iif({_IS_HELD}, r.gate_detail, ''),
    "trigger" = iif({_IS_HELD}, r."trigger", '{Trigger.RETRY_NOW}')
FROM w WHERE r.id IN (SELECT id FROM w) AND w.id = r.id
    AND r.destination = w.old_destination AND r.next_hop = w.old_next_hop AND r.lease IS NULL
    AND r.status IN ('{Status.QUEUED}', '{Status.DEFERRED}', '{Status.HELD}')
    AND r."trigger" NOT IN ({", ".join(f"'{trigger}'" for trigger in ENDING)})
"""

_RETURNING = " RETURNING id, message_id, destination, status"


def reroute(connection: sqlite3.Connection, change: Change, entropy: Entropy) -> list[Columns]:
    """Send recipients another way; return id, message, destination and status of each that goes."""
    at, within = stamp(change.now), scope_condition(change.scope)
    ways = [
        [
            well_formed(one.recipient_id),
            one.destination,
            one.next_hop,
            one.old_destination,
            one.old_next_hop,
        ]
        for one in change.reroutes
    ]
    changed = connection.execute(
        f"{_REROUTE} AND {within.sql}{_RETURNING}", (at, json_list(ways), *within.parameters)
    ).fetchall()
    events = events_of(changed, change, entropy)
    connection.executemany(INSERT_EVENT, [event_columns(event) for event in events])
    make_due(connection, due_by(changed), at)
    return changed
