"""Who holds what: a worker's lease, and the census of all workers that share a ledger."""

from datetime import datetime, timedelta

import msgspec

from tracker.model.ids import LeaseToken


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker has in its hands, as it said when it renewed its lease."""

    jobs: int = 0
    """In memory: being delivered, or waiting for a slot."""
    clients: int = 0
    """Connections of clients that are open."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's claim on what it carries; renewed while the worker lives.

    All times are those of the ledger's clock, which nodes may not agree with.
    """

    token: LeaseToken
    node: str
    worker: int
    version: str = ""
    """Of Sendtrace, as the worker runs it."""
    opened_at: datetime
    renewed_at: datetime
    until: datetime
    skew: timedelta = timedelta()
    """By how much the node's clock was ahead of the ledger's at the last renewal."""
    load: Load = Load()


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """Every lease on record, and the time by the ledger's clock."""

    now: datetime
    leases: tuple[Lease, ...]
    """By token, that is in the order in which they were opened."""

    @property
    def alive(self) -> tuple[Lease, ...]:
        """The leases that have not run out."""
        return tuple(lease for lease in self.leases if lease.until > self.now)
