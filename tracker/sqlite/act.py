"""Acts of people: hold, release, cancel, try now."""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from tracker import states
from tracker.entropy import Entropy
from tracker.model import Deed, EventKind, Gate, RecipientId, Scope, Status, Trigger, new_id
from tracker.sql.conditions import FREE, scope_condition
from tracker.sql.rows import INSERT_EVENT, Columns
from tracker.sql.script import Change
from tracker.sql.values import json_list, stamp, well_formed
from tracker.sqlite.schedule import lower_next_due


class _Act(NamedTuple):
    event: EventKind
    assignments: str
    """Of ?1, the time, and ?2, the reason."""


_ACTS = {
    Status.HELD: _Act(
        EventKind.HELD,
        f"status = '{Status.HELD}', next_attempt_at = NULL, gate = '{Gate.HOLD}', gate_detail = ?2",
    ),
    # Back to where it was: untried, or waiting.
    Status.QUEUED: _Act(
        EventKind.RELEASED,
        f"status = iif(attempts = 0, '{Status.QUEUED}', '{Status.DEFERRED}'), next_attempt_at = ?1,"
        f" gate = '{Gate.NONE}', gate_detail = '', \"trigger\" = '{Trigger.RETRY_NOW}'",
    ),
    Status.CANCELLED: _Act(
        EventKind.CANCELLED,
        f"status = '{Status.CANCELLED}', next_attempt_at = NULL, gate = '{Gate.NONE}',"
        " gate_detail = ''",
    ),
}

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

_STATUS_AFTER = {
    Deed.HOLD: Status.HELD,
    Deed.RELEASE: Status.QUEUED,
    Deed.CANCEL: Status.CANCELLED,
}

_GIVE_UP_HELD = f"""
UPDATE recipients SET status = iif(attempts = 0, '{Status.QUEUED}', '{Status.DEFERRED}'),
    status_since = ?1, next_attempt_at = ?1, look_at = ?1, gate = '{Gate.NONE}', gate_detail = '',
    "trigger" = '{Trigger.DEADLINE}'
WHERE id IN (SELECT id FROM recipients WHERE status = '{Status.HELD}' AND expires_at <= ?1
             ORDER BY expires_at LIMIT ?2)
RETURNING id, message_id, destination
"""

_DEADLINE = "The deadline has come"

_PROBE_NOW = """
UPDATE destinations SET next_probe_at = ? WHERE destination = ? AND NOT reachable
"""


def perform(connection: sqlite3.Connection, change: Change, entropy: Entropy) -> list[Columns]:
    """Change what may be changed; return the id, the message and the destination of each."""
    recipients, scope, actor, now = change.recipients, change.scope, change.actor, change.now
    if change.deed is Deed.RETRY:
        return retry_now(
            connection, recipients, scope=scope, actor=actor, now=now, entropy=entropy,
            reason=change.reason,
        )  # fmt: skip
    if change.tells_sender:
        return cancel_and_tell(connection, change, entropy)
    return change_status(
        connection,
        recipients,
        _STATUS_AFTER[change.deed],
        scope=scope,
        actor=actor,
        reason=change.reason,
        now=now,
        entropy=entropy,
    )


def cancel_and_tell(
    connection: sqlite3.Connection, change: Change, entropy: Entropy
) -> list[Columns]:
    """Have a worker cancel recipients, which writes the DSN."""
    at = stamp(change.now)
    parameters = (at, well_formed(change.reason), json_list(list(change.recipients)))
    changed = _update(connection, _CANCEL_AND_TELL, parameters, change.scope)
    kind = EventKind.CANCELLED
    _record(connection, changed, kind, change.actor, change.reason, change.now, entropy)
    lower_next_due(connection, {row[2]: at for row in changed})
    return changed


def change_status(
    connection: sqlite3.Connection,
    recipients: Collection[RecipientId],
    to: Status,
    *,
    scope: Scope,
    actor: str,
    reason: str,
    now: datetime,
    entropy: Entropy,
) -> list[Columns]:
    """Hold, release or cancel what may be; ValueError for any other status."""
    if to not in _ACTS:
        raise ValueError(f"nobody can make a recipient {to}")
    act = _ACTS[to]
    before = [f"'{status}'" for status in Status if to in states.ARROWS[status] - {status}]
    changed = _update(
        connection,
        f"UPDATE recipients AS r SET status_since = ?1, {act.assignments}"
        f" WHERE {_CHOSEN} AND r.status IN ({', '.join(before)})",
        (stamp(now), well_formed(reason), json_list(list(recipients))),
        scope,
    )
    _record(connection, changed, act.event, actor, reason, now, entropy)
    if to is Status.QUEUED:
        lower_next_due(connection, {row[2]: stamp(now) for row in changed})
    return changed


def retry_now(
    connection: sqlite3.Connection,
    recipients: Collection[RecipientId],
    *,
    scope: Scope,
    actor: str,
    now: datetime,
    entropy: Entropy,
    reason: str = "",
) -> list[Columns]:
    """Make waiting recipients due, and the probe of their destinations."""
    at = stamp(now)
    changed = _update(connection, _RETRY, (at, "", json_list(list(recipients))), scope)
    _record(connection, changed, EventKind.RETRY_REQUESTED, actor, reason, now, entropy)
    make_due(connection, {row[2] for row in changed}, at)
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
    _record(connection, changed, EventKind.RELEASED, "", _DEADLINE, now, entropy)
    lower_next_due(connection, {row[2]: stamp(now) for row in changed})
    return len(changed)


def _update(
    connection: sqlite3.Connection, sql: str, parameters: Sequence[object], scope: Scope
) -> list[Columns]:
    within = scope_condition(scope)
    return connection.execute(
        f"{sql} AND {within.sql}{_RETURNING}", (*parameters, *within.parameters)
    ).fetchall()


def _record(
    connection: sqlite3.Connection,
    changed: Sequence[Columns],
    kind: EventKind,
    actor: str,
    reason: str,
    now: datetime,
    entropy: Entropy,
) -> None:
    at, detail = stamp(now), well_formed(reason)
    connection.executemany(
        INSERT_EVENT,
        [
            (new_id(now, entropy(8)), row[1], row[0], at, kind.value, actor, detail, None)
            for row in changed
        ],
    )
