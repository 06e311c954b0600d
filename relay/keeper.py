"""Keeps a worker's lease alive, and takes over what dead workers held.

A worker is dead when the lock on its in-flight file is free (this machine), or when its lease
has run out (any machine).
"""

import contextlib
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import structlog

from relay import metrics
from relay.clock import Clock
from relay.inflight import InFlight, Remains, path_of
from tracker.model import Lease, LeaseToken, RecipientId
from tracker.store import LeaseLost, Store, StoreUnavailable


class Keeper:
    """Holds the present lease and its in-flight file."""

    def __init__(
        self,
        *,
        ledger: Store,
        clock: Clock,
        directory: Path,
        node: str,
        worker: int,
        lease_for: timedelta,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._directory = directory
        self._node = node
        self._worker = worker
        self._lease_for = lease_for
        self._lease: Lease | None = None
        self._inflight: InFlight | None = None
        self._log = structlog.get_logger()

    @property
    def token(self) -> LeaseToken | None:
        """The present lease; None while there is none."""
        return self._lease.token if self._lease else None

    def enter(self, recipients: Iterable[RecipientId]) -> None:
        """Note that the final dot for `recipients` is about to be sent.

        Raises LeaseLost when no lease is held: then nothing may be sent.
        """
        if self._inflight is None:
            raise LeaseLost("no lease is held")
        self._inflight.enter(recipients)

    def leave(self, recipients: Iterable[RecipientId]) -> None:
        """Note that `recipients` are settled."""
        if self._inflight is not None:
            self._inflight.leave(recipients)

    async def begin(self) -> None:
        """Open a lease and its in-flight file. Raises StoreUnavailable."""
        self._lease = await self._ledger.open_lease(
            self._node, self._worker, self._clock.now(), self._lease_for
        )
        self._inflight = InFlight(path_of(self._directory, self._lease.token))

    async def renew(self) -> bool:
        """Renew; False when the lease had been taken over and a new one was opened.

        Then whatever the worker still holds in memory is no longer its own.
        """
        if self._lease is None:
            await self.begin()
            return False
        try:
            await self._ledger.renew(self._lease.token, self._clock.now() + self._lease_for)
        except LeaseLost:
            metrics.LEASES_LOST.inc()
            self._log.warning("lease lost", lease=self._lease.token)
            self._abandon()
            await self.begin()
            return False
        return True

    async def end(self) -> None:
        """Give back what is still held; what may be with a remote server becomes uncertain."""
        if self._lease is None or self._inflight is None:
            return
        token, uncertain = self._lease.token, self._inflight.recipients
        if uncertain:
            await self._ledger.recover(token, uncertain, self._clock.now())
        else:
            await self._ledger.close_lease(token, self._clock.now())
        self._abandon()

    async def take_over(self) -> int:
        """Recover every lease whose worker is dead; return how many recipients."""
        recovered = 0
        for lease in await self._ledger.leases():
            if lease.token != self.token:
                recovered += await self._recover(lease)
        return recovered

    def _abandon(self) -> None:
        if self._inflight is not None:
            self._inflight.close(remove=True)
        self._lease = None
        self._inflight = None

    async def _recover(self, lease: Lease) -> int:
        now = self._clock.now()
        if lease.node != self._node:
            if lease.until > now:
                return 0
            return await self._ledger.recover(lease.token, None, now)
        remains = Remains.take(path_of(self._directory, lease.token))
        recorded = False
        try:
            # A worker of this machine that still runs has been slow, or could not commit for a
            # while: it gets twice the time before its mail is tried by another.
            if remains.alive and lease.until + self._lease_for > now:
                return 0
            count = await self._ledger.recover(lease.token, remains.recipients, now)
            recorded = True
        finally:
            remains.close(recorded=recorded)
        self._log.info(
            "lease recovered",
            lease=lease.token,
            worker=lease.worker,
            recipients=count,
            uncertain="unknown" if remains.recipients is None else len(remains.recipients),
        )
        return count


async def tidy(ledger: Store, clock: Clock, retention: timedelta) -> int:
    """Drop what is older than `retention`, in small steps; return how many messages."""
    dropped = 0
    with contextlib.suppress(StoreUnavailable):
        while count := await ledger.prune(clock.now() - retention, 500):
            dropped += count
            await clock.sleep(0.05)
    return dropped
