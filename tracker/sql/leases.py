"""Between rows of `leases` and what the model says of them."""

from datetime import timedelta

from tracker.model import Lease, LeaseToken, Load
from tracker.sql.rows import Columns
from tracker.sql.values import moment

LEASE_COLUMNS = "token, node, worker, version, opened_at, renewed_at, until, skew, jobs, clients"
"""What `read_lease` takes, in its order."""


def read_lease(row: Columns) -> Lease:
    """Build a lease from LEASE_COLUMNS."""
    token, node, worker, version, opened_at, renewed_at, until, skew, jobs, clients = row
    return Lease(
        token=LeaseToken(token),
        node=node,
        worker=worker,
        version=version,
        opened_at=moment(opened_at),
        renewed_at=moment(renewed_at),
        until=moment(until),
        skew=timedelta(microseconds=skew),
        load=Load(jobs=jobs, clients=clients),
    )
