"""Keeps a worker's lease alive, and takes over what dead workers held.

A worker is dead when the lock on its in-flight file is free (this machine), or when its lease
has run out (any machine). When that is, the ledger's clock says; what our own clock shows never
matters, only how long something takes by it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from relay import metrics
from relay.clock import Clock
from relay.contact import Contact
from relay.inflight import InFlight, Remains, path_of
from tracker.model import Census, Lease, LeaseToken, Load, RecipientId
from tracker.store import LeaseLost, Store, StoreUnavailable

HEARTBEATS: Final = 3
"""Renewals in the time for which a lease is good."""

_PATIENCE: Final = 1
"""Times the length of a lease that a worker of this machine may be late while it runs."""

Listener = Callable[[Census, LeaseToken], None]
"""Told at each renewal: of everybody who shares the ledger, and which lease is ours."""


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
        load: Callable[[], Load] = Load,
        holds: bool = False,
    ) -> None:
        """`load` says what this worker has in its hands; it is asked at each renewal.

        With `holds`, who may have the message already is held and not tried again.
        """
        self._ledger = ledger
        self._clock = clock
        self._directory = directory
        self._node = node
        self._worker = worker
        self._lease_for = lease_for
        self._load = load
        self._holds = holds
        self._token: LeaseToken | None = None
        self._inflight: InFlight | None = None
        self._renewing = asyncio.Lock()
        self._sure_until = 0.0
        """The monotonic time from which on others may have taken over."""
        self._contact = Contact(lease_for * (HEARTBEATS - 1) / HEARTBEATS)
        self._census: Census | None = None
        self._listeners: list[Listener] = []
        self._log = structlog.get_logger()

    @property
    def token(self) -> LeaseToken | None:
        """The present lease; None while there is none."""
        return self._token

    @property
    def census(self) -> Census | None:
        """Who shared the ledger at the last renewal; None before the first one."""
        return self._census

    def watch(self, listener: Listener) -> None:
        """Have `listener` told of the census at each renewal, the one of `begin` included."""
        self._listeners.append(listener)

    def enter(self, lease: LeaseToken, recipients: Iterable[RecipientId]) -> None:
        """Note that the final dot for `recipients`, held by `lease`, is about to be sent.

        Raises LeaseLost when `lease` is not surely ours any more: then nothing may be sent. That
        is so without asking the ledger when it may have run out since it was renewed.
        """
        if self._inflight is None or lease != self._token:
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
            asked = self._clock.monotonic()
            lease = await self._ledger.open_lease(
                self._node, self._worker, self._clock.now(), self._lease_for
            )
            # Without its file a lease is of no use; it is left to be recovered.
            with contextlib.suppress(BlockingIOError):  # taken for dead before it was locked
                self._inflight = InFlight(path_of(self._directory, lease.token))
                break
        self._token = lease.token
        self._sure_until = asked + self._lease_for.total_seconds()
        # So that we know the others before the first mail, and not a heartbeat later.
        with contextlib.suppress(StoreUnavailable, LeaseLost):
            await self._extend(lease.token)

    async def renew(self) -> bool:
        """Renew; False when the lease had been taken over and a new one was opened.

        Then whatever the worker still holds in memory is no longer its own.
        """
        async with self._renewing:
            return await self._renew()

    def holds(self, lease: LeaseToken) -> bool:
        """Say whether `lease` is surely ours at this moment."""
        return lease == self._token and self._is_sure

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
        if self._token is None:
            await self.begin()
            return False
        try:
            await self._extend(self._token)
        except LeaseLost:
            metrics.LEASES_LOST.inc()
            self._log.warning("lease lost", lease=self._token)
            self._abandon()
            await self.begin()
            return False
        return True

    async def _extend(self, token: LeaseToken) -> None:
        """Renew the lease and tell who shares the ledger. Raises LeaseLost, StoreUnavailable."""
        asked, now = self._clock.monotonic(), self._clock.now()
        try:
            census = await self._ledger.renew(token, now, self._lease_for, self._load())
        except StoreUnavailable:
            self._contact.lost()
            raise
        # The ledger counts from when it got to it, which was later than when we asked.
        self._sure_until = asked + self._lease_for.total_seconds()
        self._contact.made(census.now)
        self._census = census
        for listener in self._listeners:
            listener(census, token)

    async def end(self) -> None:
        """Give back what is still held; what may be with a remote server becomes uncertain."""
        if self._token is None or self._inflight is None:
            return
        token, uncertain = self._token, self._inflight.recipients
        if uncertain:
            now = self._clock.now()
            await self._ledger.recover(token, uncertain, now, holds=self._holds)
        else:
            await self._ledger.close_lease(token, self._clock.now())
        self._abandon()

    async def take_over(self) -> int:
        """Recover every lease whose worker is dead; return how many recipients."""
        census = await self._ledger.census(self._clock.now())
        others = (lease for lease in census.leases if lease.token != self._token)
        return sum([await self._recover(lease, census) for lease in others])

    def _abandon(self) -> None:
        if self._inflight is not None:
            self._inflight.close(remove=True)
        self._token = None
        self._inflight = None

    async def _recover(self, lease: Lease, census: Census) -> int:
        path = path_of(self._directory, lease.token)
        if not path.exists():
            # It is of another machine, or has begun just now and makes its file next.
            if not self._contact.has_run_out(lease, census.now):
                return 0
            count = await self._take_away(lease, None)
            self._tell(lease, count, None)
            return count
        remains = Remains.take(path)
        recorded = False
        try:
            # A worker of this machine that still runs has been slow, or could not commit for a
            # while: it gets some time before its mail is tried by another.
            if remains.alive and not self._contact.has_run_out(
                lease, census.now, patience=_PATIENCE
            ):
                return 0
            count = await self._take_away(lease, remains.recipients)
            recorded = True
        finally:
            remains.close(recorded=recorded)
        self._tell(lease, count, remains.recipients)
        return count

    async def _take_away(self, lease: Lease, uncertain: Collection[RecipientId] | None) -> int:
        """Recover `lease`, unless it has been renewed since it was looked at."""
        now = self._clock.now()
        return await self._ledger.recover(
            lease.token, uncertain, now, seen_until=lease.until, holds=self._holds
        )

    def _tell(self, lease: Lease, count: int, uncertain: Collection[RecipientId] | None) -> None:
        self._log.info(
            "lease recovered",
            lease=lease.token,
            node=lease.node,
            worker=lease.worker,
            recipients=count,
            uncertain="unknown" if uncertain is None else len(uncertain),
        )
