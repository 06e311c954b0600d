"""The composition root: builds every part and hands it to those that need it.

Nothing else constructs a ledger, a resolver or a server, and only here does the relay know the
panel.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from config.loader import Loaded
from config.settings import Settings
from relay.absence import Absence
from relay.carrier import Carrier
from relay.chores.rulebook import Rulebook
from relay.chores.statistics import Statistics
from relay.chores.text_index import TextIndexer
from relay.chores.tidying import Chores
from relay.clock import Clock
from relay.closed import ClosedAddresses
from relay.deliver import Delivery
from relay.dns import DnsResolver, Resolver
from relay.errands.desk import Errands
from relay.gates import Gates
from relay.intake import LedgerIntake
from relay.keeper import Keeper
from relay.metrics import SubmissionObserver, keep_publishing
from relay.namesake import NamesakeWatch
from relay.pool import Pool
from relay.refusals import RefusalLog
from relay.skew import SkewWatch
from relay.submission import SubmissionServer
from relay.tls import ClientTls
from relay.worker import Worker
from tracker.kept import subject_keeper
from tracker.model import Load
from tracker.opening import open_ledger
from tracker.passwords import Passwords
from tracker.routing import Routes
from tracker.secret import open_key
from tracker.store import Ledger

if TYPE_CHECKING:
    from aiohttp import web as http


class Relay:
    """One worker and its submission server, in the running event loop."""

    def __init__(
        self,
        loaded: Loaded,
        ledger: Ledger,
        *,
        clock: Clock,
        resolver: Resolver | None = None,
        index: int = 0,
        share: int = 1,
    ) -> None:
        """`share`: how many workers of this machine divide the connections of clients."""
        settings = loaded.settings
        routes = Routes.of(settings)
        self._node = name_of_node(settings)
        self._passwords = Passwords()
        self._beside: list[asyncio.Task[None]] = []
        self._pool = Pool(settings.delivery, clock)
        self._keeper = self._make_keeper(settings, ledger, clock, index)
        absence = Absence(clock)
        self._rulebook = Rulebook(ledger=ledger, clock=clock, absence=absence)
        gates = self._watch(settings, clock)
        delivery = self._delivery(loaded, routes, clock, resolver, gates)
        self.worker = Worker(
            ledger=ledger,
            carrier=self._carrier(loaded, routes, ledger, clock, delivery, gates),
            keeper=self._keeper,
            settings=settings,
            clock=clock,
            chores=Chores(ledger=ledger, clock=clock, settings=settings),
            statistics=Statistics(ledger=ledger, clock=clock, settings=settings),
            text_index=TextIndexer(ledger=ledger, clock=clock),
            absence=absence,
        )
        self._closed = ClosedAddresses(ledger, clock)
        intake = LedgerIntake(
            ledger=ledger,
            worker=self.worker,
            settings=settings,
            routes=routes,
            clock=clock,
            keep_subject=subject_keeper(settings.tracking, partial(open_key, settings)),
        )
        self.errands = Errands(
            ledger=ledger,
            clock=clock,
            settings=settings,
            routes=routes,
            delivery=delivery,
            intake=intake,
            closed=self._closed,
            absence=absence,
        )
        self._refusals = RefusalLog(ledger=ledger, clock=clock)
        self.submission = self._submission(settings, ledger, clock, intake, share)

    def _make_keeper(self, settings: Settings, ledger: Ledger, clock: Clock, index: int) -> Keeper:
        return Keeper(
            ledger=ledger,
            clock=clock,
            directory=settings.state_directory,
            node=self._node,
            worker=index,
            lease_for=settings.store.lease,
            load=self._load,
            holds=settings.retry.uncertain == "hold",
        )

    def _submission(
        self, settings: Settings, ledger: Ledger, clock: Clock, intake: LedgerIntake, share: int
    ) -> SubmissionServer:
        return SubmissionServer(
            settings,
            clock=clock,
            intake=intake,
            accounts=ledger,
            failures=ledger,
            passwords=self._passwords,
            observer=SubmissionObserver(),
            refusals=self._refusals,
            workers=share,
            closed=self._closed.refusal,
            attendance=ledger.attendance,
        )

    def _watch(self, settings: Settings, clock: Clock) -> Gates:
        """Say what is wrong with this node's clock or name; return the gates, which are shared."""
        gates = Gates(settings.delivery, clock)
        self._keeper.watch(gates.rebalance)
        self._keeper.watch(SkewWatch().see)
        self._keeper.watch(NamesakeWatch(settings.state_directory).see)
        return gates

    def _delivery(
        self,
        loaded: Loaded,
        routes: Routes,
        clock: Clock,
        resolver: Resolver | None,
        gates: Gates,
    ) -> Delivery:
        settings = loaded.settings
        return Delivery(
            settings=settings,
            routes=routes,
            resolver=resolver or DnsResolver(settings.dns, clock),
            clock=clock,
            pool=self._pool,
            tls=ClientTls(),
            gates=gates,
            enter=self._keeper.enter,
            node=self._node,
            config_revision=loaded.revision,
            own_addresses=_own_addresses(settings),
        )

    def _carrier(
        self,
        loaded: Loaded,
        routes: Routes,
        ledger: Ledger,
        clock: Clock,
        delivery: Delivery,
        gates: Gates,
    ) -> Carrier:
        return Carrier(
            ledger=ledger,
            delivery=delivery,
            gates=gates,
            keeper=self._keeper,
            settings=loaded.settings,
            routes=routes,
            clock=clock,
            node=self._node,
            config_revision=loaded.revision,
            book=lambda: self._rulebook.book,
        )

    def _load(self) -> Load:
        return Load(jobs=self.worker.held, clients=self.submission.clients)

    async def start(self, *, reuse_port: bool = False) -> None:
        """Begin to listen, then to deliver: a lease on record means that clients are served.

        Raises OSError, StoreUnavailable.
        """
        await self._closed.refresh()
        await self._rulebook.refresh()
        await self.submission.start(reuse_port=reuse_port)
        await self.worker.start()
        self._beside = [
            asyncio.create_task(keep_publishing(), name="publish metrics"),
            asyncio.create_task(self.errands.run(), name="errands"),
            asyncio.create_task(self._refusals.run(), name="record refusals"),
            asyncio.create_task(self._rulebook.run(), name="rules"),
        ]

    async def stop(self, grace: timedelta) -> None:
        """Finish what is under way within `grace`; nothing that was accepted is lost."""
        # Side by side: both have the same time, and the supervisor kills soon after it.
        await asyncio.gather(self.submission.stop(grace), self.worker.stop(grace))
        await self._pool.close()
        self._passwords.close()
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)


def name_of_node(settings: Settings) -> str:
    """Return what this node is called in the record; no setting means as the machine is."""
    return settings.node or socket.gethostname()


def _own_addresses(settings: Settings) -> list[str]:
    """Return the addresses at which mail that we send would come back to us."""
    listeners = (listener.host_port() for listener in settings.submission.listeners)
    return [host for host, port in listeners if port == settings.delivery.port]


@contextlib.asynccontextmanager
async def open_relay(
    loaded: Loaded, *, clock: Clock, resolver: Resolver | None = None
) -> AsyncIterator[tuple[Relay, Ledger]]:
    """Run a relay in this event loop, for tests and the demo; nothing is forked."""
    settings = loaded.settings
    settings.state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ledger = await open_ledger(settings.store)
    try:
        relay = Relay(loaded, ledger, clock=clock, resolver=resolver)
        await relay.start()
        try:
            yield relay, ledger
        finally:
            await relay.stop(settings.shutdown_grace)
    finally:
        await ledger.close()


def longest_line_of_panel() -> int:
    """Return how long the first line of a request to the panel may be, in bytes."""
    import web.app

    return web.app.LONGEST_LINE


def build_panel(
    settings: Settings, ledger: Ledger, passwords: Passwords, clock: Clock
) -> "http.Application":
    """Build the panel's application; see `longest_line_of_panel`."""
    # Here and not above: a worker has no use for a third of all modules.
    import web.app

    return web.app.build(
        settings,
        routes=Routes.of(settings),
        node=name_of_node(settings),
        ledger=ledger,
        passwords=passwords,
        now=clock.now,
        entropy=os.urandom,
    )
