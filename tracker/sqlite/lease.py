"""What a worker holds: opened, renewed, given back, taken over."""

import sqlite3
from datetime import datetime, timedelta

from tracker.model import Lease, LeaseToken, new_id
from tracker.sqlite.accept import Entropy
from tracker.sqlite.rows import Columns
from tracker.sqlite.values import moment, stamp
from tracker.store import LeaseLost

LEASES = "SELECT token, node, worker, until FROM leases ORDER BY token"


def read_lease(row: Columns) -> Lease:
    """Build a lease from a row of LEASES."""
    token, node, worker, until = row
    return Lease(token=LeaseToken(token), node=node, worker=worker, until=moment(until))


def open_lease(
    connection: sqlite3.Connection,
    node: str,
    worker: int,
    now: datetime,
    lease_for: timedelta,
    entropy: Entropy,
) -> Lease:
    """Put a new lease on record."""
    token, until = LeaseToken(new_id(now, entropy(8))), now + lease_for
    connection.execute(
        "INSERT INTO leases (token, node, worker, until) VALUES (?, ?, ?, ?)",
        (token, node, worker, stamp(until)),
    )
    return Lease(token=token, node=node, worker=worker, until=until)


def renew(connection: sqlite3.Connection, lease: LeaseToken, until: datetime) -> None:
    """Push the end of a lease to `until`. Raises LeaseLost."""
    cursor = connection.execute(
        "UPDATE leases SET until = ? WHERE token = ?", (stamp(until), lease)
    )
    if cursor.rowcount != 1:
        raise LeaseLost(f"lease {lease} is not on record")
