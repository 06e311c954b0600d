"""Keeps a worker's lease alive, and takes over what dead workers held.

A worker is dead when the lock on its in-flight file is free (this machine), or when its lease
has run out (any machine).
"""

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog

from relay import metrics
from relay.clock import Clock
from relay.inflight import InFlight, Remains, path_of
from tracker.model import Lease, LeaseToken, RecipientId
from tracker.store import LeaseLost, Store, StoreUnavailable

_PATIENCE: Final = 2
"""Times the length of a lease that a worker which runs has to renew it."""


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
        self._renewing = asyncio.Lock()
        self._sure_until = 0.0
        """The monotonic time from which on others may have taken over."""
        self._patient_until = clock.now()
        self._log = structlog.get_logger()

    @property
    def token(self) -> LeaseToken | None:
        """The present lease; None while there is none."""
        return self._lease.token if self._lease else None

    def enter(self, lease: LeaseToken, recipients: Iterable[RecipientId]) -> None:
        """Note that the final dot for `recipients`, held by `lease`, is about to be sent.

        Raises LeaseLost when `lease` is not surely ours any more: then nothing may be sent. That
        is so without asking the ledger when it has not been renewed for as long as others wait.
        """
        if self._inflight is None or lease != self.token:
            raise LeaseLost(f"lease {lease} is not held")
        if not self._is_sure:
            raise LeaseLost(f"lease {lease} has not been renewed in time")
        self._inflight.enter(recipients)

    def leave(self, recipients: Iterable[RecipientId]) -> None:
        """Note that `recipients` are settled."""
        if self._inflight is not None:
            self._inflight.leave(recipients)

    def in_flight(self, recipients: Iterable[RecipientId]) -> frozenset[RecipientId]:
        """Return which of `recipients` have been sent a final dot and are not settled."""
        known = self._inflight.recipients if self._inflight is not None else frozenset()
        return known.intersection(recipients)

    async def begin(self) -> None:
        """Open a lease and its in-flight file. Raises StoreUnavailable, OSError."""
        while True:
            asked, now = self._clock.monotonic(), self._clock.now()
            lease = await self._ledger.open_lease(self._node, self._worker, now, self._lease_for)
            # Without its file a lease is of no use; it is left to be recovered.
            with contextlib.suppress(BlockingIOError):  # taken for dead before it was locked
                self._inflight = InFlight(path_of(self._directory, lease.token))
                break
        self._hold(lease, asked)
        self._be_patient(now)

    async def renew(self) -> bool:
        """Renew; False when the lease had been taken over and a new one was opened.

        Then whatever the worker still holds in memory is no longer its own.
        """
        async with self._renewing:
            return await self._renew()

    async def make_sure(self, lease: LeaseToken) -> None:
        """Renew if `lease` may have run out unnoticed. Raises LeaseLost, StoreUnavailable."""
        if not self._is_sure:
            async with self._renewing:
                if not self._is_sure:
                    await self._renew()
        if lease != self.token:
            raise LeaseLost(f"lease {lease} is not held")

    @property
    def _is_sure(self) -> bool:
        return self._clock.monotonic() < self._sure_until

    async def _renew(self) -> bool:
        if self._lease is None:
            await self.begin()
            return False
        asked, now = self._clock.monotonic(), self._clock.now()
        lease = msgspec.structs.replace(self._lease, until=now + self._lease_for)
        try:
            await self._ledger.renew(lease.token, lease.until)
        except LeaseLost:
            metrics.LEASES_LOST.inc()
            self._log.warning("lease lost", lease=lease.token)
            self._abandon()
            await self.begin()
            return False
        if self._lease.until < now:
            self._be_patient(now)
        self._hold(lease, asked)
        return True

    def _hold(self, lease: Lease, asked: float) -> None:
        self._lease = lease
        self._sure_until = asked + _PATIENCE * self._lease_for.total_seconds()

    def _be_patient(self, now: datetime) -> None:
        """Let the living renew first: what kept us from it has kept them too.

        A full disk, for one, or a clock that has been set.
        """
        self._patient_until = now + self._lease_for

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
        path = path_of(self._directory, lease.token)
        if not path.exists():
            # It is of another machine, or has begun just now and makes its file next.
            if lease.until > now:
                return 0
            return await self._ledger.recover(lease.token, None, now, seen_until=lease.until)
        remains = Remains.take(path)
        recorded = False
        try:
            # A worker of this machine that still runs has been slow, or could not commit for a
            # while: it gets twice the time before its mail is tried by another.
            since = lease.until + (_PATIENCE - 1) * self._lease_for
            if remains.alive and max(since, self._patient_until) > now:
                return 0
            count = await self._ledger.recover(
                lease.token, remains.recipients, now, seen_until=lease.until
            )
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
