"""Acts of people: hold, release, cancel, try now."""

import sqlite3
from collections.abc import Collection, Iterable
from datetime import datetime

from tracker import states
from tracker.entropy import Entropy
from tracker.model import Deed, Event, EventKind, Gate, Status, Trigger
from tracker.sql.acting import TURNS, end_of_hold, events_of
from tracker.sql.conditions import FREE, scope_condition
from tracker.sql.rows import INSERT_EVENT, Columns, event_columns
from tracker.sql.script import Change
from tracker.sql.values import json_list, stamp, well_formed
from tracker.sqlite.schedule import lower_next_due

_TURNS = {
    Deed.HOLD: (
        f"status = '{Status.HELD}', next_attempt_at = NULL, gate = '{Gate.HOLD}', gate_detail = ?2"
    ),
    # Back to where it was: untried, or waiting.
    Deed.RELEASE: (
        f"status = iif(attempts = 0, '{Status.QUEUED}', '{Status.DEFERRED}'), next_attempt_at = ?1,"
        f" gate = '{Gate.NONE}', gate_detail = '', \"trigger\" = '{Trigger.RETRY_NOW}'"
    ),
    Deed.CANCEL: (
        f"status = '{Status.CANCELLED}', next_attempt_at = NULL, gate = '{Gate.NONE}',"
        " gate_detail = ''"
    ),
}
"""Assignments; ?1 is the time, ?2 the reason and ?3 the recipients, here and below."""

_CHOSEN = f"r.id IN (SELECT value FROM json_each(?3)) AND {FREE}"

_RETRY = f"""
UPDATE recipients AS r SET next_attempt_at = min(next_attempt_at, ?1), gate = '{Gate.NONE}',
    gate_detail = '', "trigger" = '{Trigger.RETRY_NOW}'
WHERE {_CHOSEN} AND r.next_attempt_at IS NOT NULL
"""

_RETURNING = " RETURNING id, message_id, destination"

# As what is held until its deadline: a worker settles it at once, reachable or not.
_CANCEL_AND_TELL = f"""
UPDATE recipients AS r SET status = iif(attempts = 0, '{Status.QUEUED}', '{Status.DEFERRED}'),
    status_since = ?1, next_attempt_at = ?1, look_at = ?1, gate = '{Gate.NONE}', gate_detail = ?2,
    "trigger" = '{Trigger.CANCEL}'
WHERE {_CHOSEN} AND r.status IN ('{Status.QUEUED}', '{Status.DEFERRED}', '{Status.HELD}')
"""

_GIVE_UP_HELD = f"""
UPDATE recipients SET status = iif(attempts = 0, '{Status.QUEUED}', '{Status.DEFERRED}'),
    status_since = ?1, next_attempt_at = ?1, look_at = ?1, gate = '{Gate.NONE}', gate_detail = '',
    "trigger" = '{Trigger.DEADLINE}'
WHERE id IN (SELECT id FROM recipients WHERE status = '{Status.HELD}' AND expires_at <= ?1
             ORDER BY expires_at LIMIT ?2)
RETURNING id, message_id, destination
"""

_PROBE_NOW = """
UPDATE destinations SET next_probe_at = ? WHERE destination = ? AND NOT reachable
"""


def perform(connection: sqlite3.Connection, change: Change, entropy: Entropy) -> list[Columns]:
    """Change what may be changed; return the id, the message and the destination of each."""
    if change.deed is Deed.RETRY:
        return _retry(connection, change, entropy)
    if change.tells_sender:
        return _cancel_and_tell(connection, change, entropy)
    turn = TURNS[change.deed]
    before = ", ".join(f"'{status}'" for status in sorted(states.before(turn.after)))
    changed = _update(
        connection,
        f"UPDATE recipients AS r SET status_since = ?1, {_TURNS[change.deed]}"
        f" WHERE {_CHOSEN} AND r.status IN ({before})",
        change,
    )
    _record(connection, events_of(changed, turn.event, change, entropy))
    if turn.after is Status.QUEUED:
        lower_next_due(connection, {row[2]: stamp(change.now) for row in changed})
    return changed


def _retry(connection: sqlite3.Connection, change: Change, entropy: Entropy) -> list[Columns]:
    """Make waiting recipients due, and the probe of their destinations."""
    changed = _update(connection, _RETRY, change)
    _record(connection, events_of(changed, EventKind.RETRY_REQUESTED, change, entropy))
    make_due(connection, {row[2] for row in changed}, stamp(change.now))
    return changed


def _cancel_and_tell(
    connection: sqlite3.Connection, change: Change, entropy: Entropy
) -> list[Columns]:
    """Have a worker cancel recipients, which writes the DSN."""
    changed = _update(connection, _CANCEL_AND_TELL, change)
    _record(connection, events_of(changed, EventKind.CANCELLED, change, entropy))
    lower_next_due(connection, {row[2]: stamp(change.now) for row in changed})
    return changed


def make_due(connection: sqlite3.Connection, destinations: Collection[str], at: int) -> None:
    """Note that a recipient of each destination is due at `at`, reachable or not."""
    connection.executemany(_PROBE_NOW, [(at, destination) for destination in destinations])
    lower_next_due(connection, dict.fromkeys(destinations, at))


def give_up_held(
    connection: sqlite3.Connection, now: datetime, limit: int, entropy: Entropy
) -> int:
    """Make held recipients due whose deadline has come, to be settled without a try."""
    changed = connection.execute(_GIVE_UP_HELD, (stamp(now), limit)).fetchall()
    _record(connection, events_of(changed, EventKind.RELEASED, end_of_hold(now), entropy))
    lower_next_due(connection, {row[2]: stamp(now) for row in changed})
    return len(changed)


def _update(connection: sqlite3.Connection, sql: str, change: Change) -> list[Columns]:
    within = scope_condition(change.scope)
    chosen = json_list(list(change.recipients))
    return connection.execute(
        f"{sql} AND {within.sql}{_RETURNING}",
        (stamp(change.now), well_formed(change.reason), chosen, *within.parameters),
    ).fetchall()


def _record(connection: sqlite3.Connection, events: Iterable[Event]) -> None:
    connection.executemany(INSERT_EVENT, map(event_columns, events))
