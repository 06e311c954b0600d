"""T2: lease what is due, in turn from every destination that has some.

`destinations.next_due_at` is a lower bound, so looking for work costs one row for each
destination that may have some, however many recipients wait there.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from tracker.model import Gate, Job, LeaseToken, Message, Recipient
from tracker.sql.jobs import jobs_of
from tracker.sql.rows import (
    MESSAGE_COLUMNS,
    RECIPIENT_COLUMNS,
    Columns,
    read_message,
    read_recipient,
)
from tracker.sql.values import json_list, stamp
from tracker.store import LeaseLost

_PROBE_PATIENCE = timedelta(minutes=1) // timedelta(microseconds=1)
"""How long a probe may stay without a result before the next one goes out."""

_DUE_DESTINATIONS = """
SELECT destination, reachable, next_probe_at FROM destinations
WHERE next_due_at <= ? AND destination NOT IN (SELECT value FROM json_each(?))
ORDER BY next_due_at, turns LIMIT ?
"""

_DUE_DESTINATION = """
SELECT destination, reachable, next_probe_at FROM destinations
WHERE destination = ? AND next_due_at <= ?
"""

_WAITING = "destination = ? AND lease IS NULL AND next_attempt_at IS NOT NULL"

_TAKE = (
    f"UPDATE recipients SET lease = ?, gate = '{Gate.NONE}', gate_detail = ''"
    " WHERE id IN ({chosen}) RETURNING " + RECIPIENT_COLUMNS
)

_TAKE_DUE = _TAKE.format(
    chosen=f"SELECT id FROM recipients WHERE {_WAITING} AND next_attempt_at <= ?"
    " ORDER BY next_attempt_at, id LIMIT ?"
)

_TAKE_TO_LOOK_AT = _TAKE.format(
    chosen=f"SELECT id FROM recipients WHERE {_WAITING} AND look_at <= ?"
    " ORDER BY look_at, id LIMIT ?"
)

_TAKE_WITH = _TAKE.format(
    chosen="SELECT id FROM recipients INDEXED BY recipients_by_message"
    f' WHERE message_id = ? AND "trigger" = ? AND {_WAITING} AND next_attempt_at <= ?'
    " ORDER BY id LIMIT ?"
)

_OLDEST_DUE = f"""
SELECT message_id, "trigger" FROM recipients WHERE {_WAITING} AND next_attempt_at <= ?
ORDER BY next_attempt_at, id LIMIT 1
"""

_NEXT_ATTEMPT = f"SELECT min(next_attempt_at) FROM recipients WHERE {_WAITING}"
_NEXT_LOOK = f"SELECT min(look_at) FROM recipients WHERE {_WAITING}"

_RESCHEDULE = """
UPDATE destinations SET next_due_at = ?, next_probe_at = ?, turns = turns + 1 WHERE destination = ?
"""

_MESSAGES = f"""
SELECT {MESSAGE_COLUMNS} FROM messages WHERE id IN (SELECT value FROM json_each(?))
"""


class _Destination(NamedTuple):
    name: str
    is_reachable: bool
    next_probe_at: int | None

    def is_shut(self, now: int) -> bool:
        """Unreachable, and not yet time to look again."""
        return not self.is_reachable and self.next_probe_at is not None and self.next_probe_at > now


def _read_destination(row: Columns) -> _Destination:
    name, is_reachable, next_probe_at = row
    return _Destination(name, bool(is_reachable), next_probe_at)


def claim(
    connection: sqlite3.Connection,
    lease: LeaseToken,
    now: datetime,
    limit: int,
    busy: Collection[str],
    first: Mapping[str, int] | None = None,
) -> Sequence[Job]:
    """Lease at most `limit` due recipients and return them as jobs. Raises LeaseLost.

    Those in `first` have their turn before all others, each for so many.
    """
    if connection.execute("SELECT 1 FROM leases WHERE token = ?", (lease,)).fetchone() is None:
        raise LeaseLost(f"lease {lease} is not on record")
    at, passed_over = stamp(now), json_list(list(busy))
    taken: list[Recipient] = []
    for name, most in (first or {}).items():
        row = connection.execute(_DUE_DESTINATION, (name, at)).fetchone()
        share = min(most, limit - len(taken))
        if row is not None and share and name not in busy:
            taken += _visit(connection, _read_destination(row), lease, at, share)
    while len(taken) < limit:
        room = limit - len(taken)
        rows = connection.execute(_DUE_DESTINATIONS, (at, passed_over, room)).fetchall()
        if not rows:
            break
        # Every visit either takes a recipient or moves the destination's next due time beyond
        # `now`; what is left over when one has less than its share is shared out again.
        share = room // len(rows)
        for row in rows:
            taken += _visit(connection, _read_destination(row), lease, at, share)
    messages = _read_messages(connection, {recipient.message_id for recipient in taken})
    return jobs_of(lease, messages, taken)


def _visit(
    connection: sqlite3.Connection, destination: _Destination, lease: str, now: int, share: int
) -> list[Recipient]:
    name = destination.name
    if destination.is_reachable:
        rows = connection.execute(_TAKE_DUE, (lease, name, now, share)).fetchall()
    else:
        rows = connection.execute(_TAKE_TO_LOOK_AT, (lease, name, now, share)).fetchall()
        if not destination.is_shut(now) and len(rows) < share:
            probe = _take_probe(connection, name, lease, now, share - len(rows))
            if probe:
                destination = destination._replace(next_probe_at=now + _PROBE_PATIENCE)
            rows += probe
    _reschedule(connection, destination, now)
    return [read_recipient(row) for row in rows]


def _take_probe(
    connection: sqlite3.Connection, destination: str, lease: str, now: int, limit: int
) -> list[Columns]:
    """Lease one job: the oldest due recipient, and what goes with it."""
    oldest = connection.execute(_OLDEST_DUE, (destination, now)).fetchone()
    if oldest is None:
        return []
    return connection.execute(_TAKE_WITH, (lease, *oldest, destination, now, limit)).fetchall()


def _reschedule(connection: sqlite3.Connection, destination: _Destination, now: int) -> None:
    """Write down when to come back; with more due at once, behind those that come now."""
    name = destination.name
    (due,) = connection.execute(_NEXT_ATTEMPT, (name,)).fetchone()
    if due is not None and not destination.is_reachable:
        (look_at,) = connection.execute(_NEXT_LOOK, (name,)).fetchone()
        due = min(look_at, max(due, destination.next_probe_at or due))
    if due is not None:
        due = max(due, now)
    connection.execute(
        _RESCHEDULE, (due, None if destination.is_reachable else destination.next_probe_at, name)
    )


def _read_messages(connection: sqlite3.Connection, ids: Collection[str]) -> dict[str, Message]:
    rows = connection.execute(_MESSAGES, (json_list(list(ids)),)).fetchall()
    return {row[0]: read_message(row) for row in rows}
