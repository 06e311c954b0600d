"""Statements for what people see: a recipient from the queue or the results, whichever has it."""

from datetime import datetime

from tracker.model import Gate, MessageId, Scope
from tracker.postgres.query import look_up, numbered
from tracker.sql.conditions import Statement, scope_condition
from tracker.sql.rows import ATTEMPT_COLUMNS, EVENT_COLUMNS, MESSAGE_COLUMNS, qualified
from tracker.sql.shown import ROW_COLUMNS, SHOWN_COLUMNS, STATE_COLUMNS, TOLD_COLUMNS
from tracker.sql.values import first_id, last_id

# RECIPIENT_COLUMNS, in their order.
_RECIPIENT = f"""
r.id, r.message_id, r.forward_path, r.domain, r.destination, r.notify, r.orcpt,
coalesce(q.status, s.status), coalesce(q.status_since, s.status_since),
coalesce(q.attempts, s.attempts), q.next_attempt_at, r.expires_at, coalesce(q.gate, '{Gate.NONE}'),
coalesce(q.gate_detail, ''), coalesce(q.delay_dsn_at, s.delay_dsn_at),
coalesce(q.category, s.category), q.lease,
coalesce(q."trigger", s."trigger"), r.next_hop
"""


def _now(first: str, last: str) -> str:
    """Recipients `r` between two ids as they are now: `q`, or `s`, and their destinations `d`."""
    result = look_up("results", f"recipient_id = r.id AND recipient_id BETWEEN {first} AND {last}")
    return f"""recipients AS r
    LEFT JOIN {look_up("queue", "id = r.id")} AS q ON TRUE
    LEFT JOIN {result} AS s ON TRUE
    LEFT JOIN destinations AS d ON d.destination = r.destination"""


_LAST_ATTEMPT = look_up(
    "attempts",
    "recipient_id = r.id AND recipient_id BETWEEN $2 AND $3"
    " AND id = coalesce(q.last_attempt_id, s.last_attempt_id)",
)

ROWS = f"""
SELECT {_RECIPIENT}, {SHOWN_COLUMNS}, {ROW_COLUMNS} FROM {_now("$2", "$3")}
CROSS JOIN {look_up("messages", "id = r.message_id AND id BETWEEN $4 AND $5")} AS m
LEFT JOIN {_LAST_ATTEMPT} AS a ON TRUE
WHERE r.id = ANY($1) AND r.id BETWEEN $2 AND $3
"""
"""Of the recipients $1, which lie between $2 and $3, as their messages between $4 and $5."""

MESSAGE = f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE id = $1"

TIMELINE_ATTEMPTS = f"""
SELECT {qualified("a", ATTEMPT_COLUMNS)} FROM attempts AS a
WHERE a.recipient_id = ANY($1) AND a.recipient_id BETWEEN $2 AND $3 ORDER BY a.started_at, a.id
"""

TIMELINE_EVENTS = f"SELECT {EVENT_COLUMNS} FROM events WHERE message_id = $1 ORDER BY at, id"

DESTINATION = f"""
SELECT $1, (
    SELECT count(*) FROM queue WHERE destination = $1
    AND lease IS NULL AND next_attempt_at IS NOT NULL
) + (
    SELECT count(*) FROM queue WHERE lease IS NOT NULL AND destination = $1
) + (
    SELECT count(*) FROM queue WHERE status = 'held' AND destination = $1
), {STATE_COLUMNS}
FROM (SELECT 1) AS one LEFT JOIN destinations AS d ON d.destination = $1
"""

BALANCE = """
SELECT t.day, sum(t.accepted)::bigint, sum(t.delivered)::bigint, sum(t.bounced)::bigint,
       sum(t.expired)::bigint, sum(t.cancelled)::bigint, coalesce(waiting.recipients, 0)
FROM tallies AS t LEFT JOIN (
    SELECT accepted_at / 86400000000 AS day, count(*) AS recipients FROM queue WHERE id >= $2
    GROUP BY 1
) AS waiting ON waiting.day = t.day
WHERE t.day >= $1 GROUP BY t.day, waiting.recipients ORDER BY t.day
"""
"""Of the days from $1 on, whose first id is $2."""


def timeline_recipients(message_id: MessageId, accepted_at: datetime, scope: Scope) -> Statement:
    """The recipients in scope of a message; their ids are made when it is accepted."""
    within = scope_condition(scope)
    first, last = first_id(accepted_at), last_id(accepted_at)
    return numbered(
        f"SELECT {_RECIPIENT}, {TOLD_COLUMNS} FROM {_now('?', '?')}"
        f" WHERE r.message_id = ? AND r.id BETWEEN ? AND ? AND {within.sql} ORDER BY r.id",
        (first, last, message_id, first, last, *within.parameters),
    )


def destinations_in(scope: Scope, limit: int) -> Statement:
    """Destinations with open recipients in scope, most waiting first."""
    within = scope_condition(scope)
    return numbered(
        f"SELECT w.destination, w.waiting, {STATE_COLUMNS} FROM ("
        "SELECT r.destination, count(*) AS waiting FROM queue AS r"
        f" WHERE {within.sql} GROUP BY r.destination ORDER BY waiting DESC, r.destination LIMIT ?"
        ") AS w LEFT JOIN destinations AS d ON d.destination = w.destination"
        " ORDER BY w.waiting DESC, w.destination",
        (*within.parameters, limit),
    )
