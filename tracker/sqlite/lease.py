"""What a worker holds: opened, renewed, given back, taken over."""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from tracker.entropy import Entropy
from tracker.model import (
    Census,
    Gate,
    Lease,
    LeaseToken,
    Load,
    RecipientId,
    Status,
    Trigger,
    new_id,
)
from tracker.sql.conditions import ENDINGS
from tracker.sql.leases import LEASE_COLUMNS, read_lease
from tracker.sql.recovery import (
    HELD_COLUMNS,
    divide,
    read_held,
    restart_events,
    uncertain_attempts,
)
from tracker.sql.rows import (
    INSERT_ATTEMPT,
    INSERT_EVENT,
    Columns,
    attempt_columns,
    category_in,
    event_columns,
)
from tracker.sql.values import stamp
from tracker.sqlite.schedule import lower_next_due
from tracker.states import IN_DOUBT
from tracker.store import LeaseLost
from tracker.version import own_version

LEASES = f"SELECT {LEASE_COLUMNS} FROM leases ORDER BY token"

_OPEN = f"INSERT INTO leases ({LEASE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0)"

_RENEW = "UPDATE leases SET renewed_at = ?, until = ?, jobs = ?, clients = ? WHERE token = ?"

_HELD = f"SELECT {HELD_COLUMNS} FROM recipients WHERE lease = ?"

_TAKE_AWAY = "DELETE FROM leases WHERE token = ?1 AND until <= coalesce(?2, until) RETURNING node"

_GIVE_BACK = f"""
UPDATE recipients SET lease = NULL, next_attempt_at = ?,
    -- What was cancelled, or held until its deadline, stays untried.
    "trigger" = iif("trigger" IN ({ENDINGS}), "trigger", coalesce(?, "trigger"))
WHERE lease = ? RETURNING destination
"""

_COUNT_UNCERTAIN = f"""
UPDATE recipients SET status = '{Status.DEFERRED}', attempts = ?, last_attempt_id = ?, category = ?,
    status_since = CASE WHEN status = '{Status.DEFERRED}' THEN status_since ELSE ? END
WHERE id = ?
"""


_HOLD = f"""
UPDATE recipients SET status = '{Status.HELD}', status_since = ?, next_attempt_at = NULL,
    gate = '{Gate.HOLD}', gate_detail = ?
WHERE id = ?
"""


def read_census(rows: Sequence[Columns], now: datetime) -> Census:
    """Build a census from the rows of LEASES."""
    return Census(now=now, leases=tuple(map(read_lease, rows)))


def open_lease(
    connection: sqlite3.Connection,
    node: str,
    worker: int,
    now: datetime,
    lease_for: timedelta,
    entropy: Entropy,
) -> Lease:
    """Put a new lease on record."""
    lease = Lease(
        token=LeaseToken(new_id(now, entropy(8))),
        node=node,
        worker=worker,
        version=own_version(),
        opened_at=now,
        renewed_at=now,
        until=now + lease_for,
    )
    row = (lease.token, node, worker, lease.version, stamp(now), stamp(now), stamp(lease.until))
    connection.execute(_OPEN, row)
    return lease


def renew(
    connection: sqlite3.Connection,
    lease: LeaseToken,
    now: datetime,
    lease_for: timedelta,
    load: Load,
) -> Census:
    """Push the end of a lease to `lease_for` from now. Raises LeaseLost."""
    row = (stamp(now), stamp(now + lease_for), load.jobs, load.clients, lease)
    if connection.execute(_RENEW, row).rowcount != 1:
        raise LeaseLost(f"lease {lease} is not on record")
    return read_census(connection.execute(LEASES).fetchall(), now)


def close_lease(connection: sqlite3.Connection, lease: LeaseToken, now: datetime) -> None:
    """Forget a lease; what it still held is due at once."""
    connection.execute("DELETE FROM leases WHERE token = ?", (lease,))
    _give_back(connection, lease, now, None)


def recover(
    connection: sqlite3.Connection,
    lease: LeaseToken,
    uncertain: Collection[RecipientId] | None,
    now: datetime,
    seen_until: datetime | None,
    holds: bool,
    entropy: Entropy,
) -> int:
    """Take over what a dead worker held; 0 when somebody else has done it already."""
    row = connection.execute(_TAKE_AWAY, (lease, stamp(seen_until))).fetchone()
    if row is None:
        return 0
    held = [read_held(each) for each in connection.execute(_HELD, (lease,)).fetchall()]
    doubtful, untried = divide(held, uncertain)
    attempts = list(uncertain_attempts(doubtful, row[0], now, entropy))
    rows = [attempt_columns(attempt) for attempt in attempts]
    connection.executemany(INSERT_ATTEMPT, rows)
    connection.executemany(
        _COUNT_UNCERTAIN,
        [
            (attempt.number, attempt.id, category_in(row), stamp(now), attempt.recipient_id)
            for attempt, row in zip(attempts, rows, strict=True)
        ],
    )
    connection.executemany(INSERT_EVENT, map(event_columns, restart_events(untried, now, entropy)))
    _give_back(connection, lease, now, Trigger.RESTART)
    if holds:
        connection.executemany(_HOLD, [(stamp(now), IN_DOUBT, each.id) for each in doubtful])
    return len(held)


def _give_back(
    connection: sqlite3.Connection, lease: LeaseToken, now: datetime, trigger: Trigger | None
) -> None:
    rows = connection.execute(_GIVE_BACK, (stamp(now), trigger, lease)).fetchall()
    lower_next_due(connection, {row[0]: stamp(now) for row in rows})
