"""The composition root: builds every part and hands it to those that need it.

Nothing else constructs a ledger, a resolver or a server, and only here does the relay know the
panel.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta

from aiohttp import web as http

import web.app
from config.loader import Loaded
from config.settings import Settings
from relay.carrier import Carrier
from relay.clock import Clock
from relay.deliver import Delivery
from relay.dns import DnsResolver, Resolver
from relay.intake import LedgerIntake
from relay.keeper import Keeper
from relay.limits import GroupSlots
from relay.metrics import SubmissionObserver
from relay.pool import Pool
from relay.submission import SubmissionServer
from relay.tls import ClientTls
from relay.worker import Worker
from tracker.passwords import Passwords
from tracker.sqlite import SqliteLedger, open_ledger


class Relay:
    """One worker and its submission server, in the running event loop."""

    def __init__(
        self,
        loaded: Loaded,
        ledger: SqliteLedger,
        *,
        clock: Clock,
        resolver: Resolver | None = None,
        index: int = 0,
        tidies: bool = True,
        share: int = 1,
    ) -> None:
        """`share`: how many workers divide the concurrency of each destination."""
        settings = loaded.settings
        self._passwords = Passwords()
        self._pool = Pool(settings.delivery, clock)
        self._keeper = Keeper(
            ledger=ledger,
            clock=clock,
            directory=settings.state_directory,
            node=settings.hostname,
            worker=index,
            lease_for=settings.store.lease,
        )
        self.worker = Worker(
            ledger=ledger,
            carrier=self._carrier(loaded, ledger, clock, resolver, share),
            keeper=self._keeper,
            settings=settings,
            clock=clock,
            tidies=tidies,
        )
        self.submission = SubmissionServer(
            settings,
            clock=clock,
            intake=LedgerIntake(ledger=ledger, worker=self.worker, settings=settings, clock=clock),
            accounts=ledger,
            failures=ledger,
            passwords=self._passwords,
            observer=SubmissionObserver(),
            workers=share,
        )

    def _carrier(
        self,
        loaded: Loaded,
        ledger: SqliteLedger,
        clock: Clock,
        resolver: Resolver | None,
        share: int,
    ) -> Carrier:
        settings = loaded.settings
        slots = GroupSlots(
            initial=max(1, settings.delivery.concurrency_initial // share),
            maximum=max(1, settings.delivery.concurrency_max // share),
        )
        delivery = Delivery(
            settings=settings,
            resolver=resolver or DnsResolver(settings.dns, clock),
            clock=clock,
            pool=self._pool,
            tls=ClientTls(),
            slots=slots,
            in_flight=self._keeper,
            node=settings.hostname,
            config_revision=loaded.revision,
            own_addresses=_own_addresses(settings),
        )
        return Carrier(
            ledger=ledger,
            delivery=delivery,
            slots=slots,
            keeper=self._keeper,
            settings=settings,
            clock=clock,
            config_revision=loaded.revision,
        )

    async def start(self, *, reuse_port: bool = False) -> None:
        """Begin to listen, then to deliver: a lease on record means that clients are served.

        Raises OSError, StoreUnavailable.
        """
        await self.submission.start(reuse_port=reuse_port)
        await self.worker.start()

    async def stop(self, grace: timedelta) -> None:
        """Finish what is under way within `grace`; nothing that was accepted is lost."""
        # Side by side: both have the same time, and the supervisor kills soon after it.
        await asyncio.gather(self.submission.stop(grace), self.worker.stop(grace))
        await self._pool.close()
        self._passwords.close()


def _own_addresses(settings: Settings) -> list[str]:
    """Return the addresses at which mail that we send would come back to us."""
    listeners = (listener.host_port() for listener in settings.submission.listeners)
    return [host for host, port in listeners if port == settings.delivery.port]


@contextlib.asynccontextmanager
async def open_relay(
    loaded: Loaded, *, clock: Clock, resolver: Resolver | None = None
) -> AsyncIterator[tuple[Relay, SqliteLedger]]:
    """Run a relay in this event loop, for tests and the demo; nothing is forked."""
    settings = loaded.settings
    settings.state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ledger = await open_ledger(settings.store.sqlite_path())
    try:
        relay = Relay(loaded, ledger, clock=clock, resolver=resolver)
        await relay.start()
        try:
            yield relay, ledger
        finally:
            await relay.stop(settings.shutdown_grace)
    finally:
        await ledger.close()


def build_panel(
    settings: Settings, ledger: SqliteLedger, passwords: Passwords, clock: Clock
) -> http.Application:
    """Build the panel's application."""
    return web.app.build(
        settings, ledger=ledger, passwords=passwords, now=clock.now, entropy=os.urandom
    )
