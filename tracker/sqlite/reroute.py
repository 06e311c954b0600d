"""Another way for recipients that wait or are held."""

import sqlite3

from tracker.entropy import Entropy
from tracker.model import Gate, Status, Trigger
from tracker.sql.conditions import FREE, scope_condition
from tracker.sql.reroutes import due_by, events_of
from tracker.sql.rows import INSERT_EVENT, Columns, event_columns
from tracker.sql.script import Change
from tracker.sql.values import stamp, well_formed
from tracker.sqlite.act import make_due

_IS_HELD = f"r.status = '{Status.HELD}'"

_REROUTE = f"""
UPDATE recipients AS r SET
    destination = ?3, next_hop = ?4,
    next_attempt_at = iif({_IS_HELD}, NULL, min(r.next_attempt_at, ?1)),
    gate = iif({_IS_HELD}, r.gate, '{Gate.NONE}'),
    gate_detail = iif({_IS_HELD}, r.gate_detail, ''),
    "trigger" = iif({_IS_HELD}, r."trigger", '{Trigger.RETRY_NOW}')
WHERE r.id = ?2 AND r.destination = ?5 AND r.next_hop = ?6 AND {FREE}
    AND r.status IN ('{Status.QUEUED}', '{Status.DEFERRED}', '{Status.HELD}')
    AND {{scope}}
RETURNING id, message_id, destination, status
"""


def reroute(connection: sqlite3.Connection, change: Change, entropy: Entropy) -> list[Columns]:
    """Send recipients another way; return id, message, destination and status of each that goes."""
    at, within = stamp(change.now), scope_condition(change.scope)
    sql, changed = _REROUTE.format(scope=within.sql), list[Columns]()
    for one in change.reroutes:
        new, old = (one.destination, one.next_hop), (one.old_destination, one.old_next_hop)
        parameters = (at, well_formed(one.recipient_id), *new, *old, *within.parameters)
        changed += connection.execute(sql, parameters).fetchall()
    events = events_of(changed, change, entropy)
    connection.executemany(INSERT_EVENT, [event_columns(event) for event in events])
    make_due(connection, due_by(changed), at)
    return changed
