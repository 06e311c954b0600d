"""The composition root: builds every part and hands it to those that need it.

Nothing else constructs a ledger, a resolver or a server, and only here does the relay know the
panel.
"""

import asyncio
import contextlib
import gc
import os
import signal
import ssl
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any

import structlog
from aiohttp import web as http

import web.app
from config.addresses import parse_host_port
from config.loader import Loaded
from config.settings import Settings
from relay.carrier import Carrier
from relay.clock import Clock, SystemClock
from relay.deliver import Delivery
from relay.dns import DnsResolver, Resolver
from relay.intake import LedgerIntake
from relay.keeper import Keeper
from relay.limits import GroupSlots
from relay.log import LineWriter, configure
from relay.metrics import SubmissionObserver
from relay.pool import Pool
from relay.submission import SubmissionServer
from relay.tls import ClientTls
from relay.worker import Worker
from tracker.model import Account, Role
from tracker.passwords import Passwords
from tracker.sqlite import SqliteLedger, migrate, open_ledger

_HTTP_PORT = 8080


def host_and_port(address: str) -> tuple[str, int]:
    """Split an address of the configuration."""
    return parse_host_port(address, _HTTP_PORT)


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
        )
        self.worker = Worker(
            ledger=ledger,
            carrier=Carrier(
                ledger=ledger,
                delivery=delivery,
                slots=slots,
                keeper=self._keeper,
                settings=settings,
                clock=clock,
            ),
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
            passwords=self._passwords,
            observer=SubmissionObserver(),
            workers=share,
        )

    async def start(self, *, reuse_port: bool = False) -> None:
        """Begin to deliver, then to listen. Raises OSError, StoreUnavailable."""
        await self.worker.start()
        await self.submission.start(reuse_port=reuse_port)

    async def stop(self, grace: timedelta) -> None:
        """Finish what is under way within `grace`; nothing that was accepted is lost."""
        await self.submission.stop(grace)
        await self.worker.stop(grace)
        await self._pool.close()
        self._passwords.close()


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


def prepare(settings: Settings, password: str) -> None:
    """Migrate the ledger; when it has no account yet, make an admin and show its password."""
    path = settings.store.sqlite_path()
    migrate(path)
    address = f"admin@{settings.hostname}"

    async def make_first_admin() -> bool:
        ledger = await open_ledger(path)
        passwords = Passwords()
        try:
            if await ledger.accounts():
                return False
            account = Account(
                address=address,
                role=Role.ADMIN,
                password_hash=await passwords.hash(password),
                created_at=SystemClock().now(),
            )
            return await ledger.add_account(account)
        finally:
            passwords.close()
            await ledger.close()

    if asyncio.run(make_first_admin()):
        scheme = "https" if settings.panel.certificate else "http"
        print(
            f"\n  The first account has been made. Its password is shown only now:\n\n"
            f"      panel     {scheme}://{settings.panel.address}/\n"
            f"      address   {address}\n"
            f"      password  {password}\n",
            flush=True,
        )


def run_worker(loaded: Loaded, index: int, lifeline: int, *, tidies: bool, share: int) -> int:
    """Be a worker process until SIGTERM or the supervisor's end; return the exit status."""

    async def work() -> None:
        settings = loaded.settings
        ledger = await open_ledger(settings.store.sqlite_path())
        try:
            relay = Relay(
                loaded, ledger, clock=SystemClock(), index=index, tidies=tidies, share=share
            )
            await relay.start(reuse_port=True)
            gc.freeze()
            await _told_to_stop(lifeline)
            await relay.stop(settings.shutdown_grace)
        finally:
            await ledger.close()

    return _run_process(loaded, f"worker-{index}", work())


def run_panel(loaded: Loaded, lifeline: int) -> int:
    """Be the panel's process until SIGTERM or the supervisor's end; return the exit status."""

    async def show() -> None:
        settings = loaded.settings
        ledger = await open_ledger(settings.store.sqlite_path())
        passwords = Passwords()
        runner = http.AppRunner(
            build_panel(settings, ledger, passwords, SystemClock()), access_log=None
        )
        try:
            await runner.setup()
            host, port = host_and_port(settings.panel.address)
            site = http.TCPSite(
                runner,
                host,
                port,
                ssl_context=_panel_tls(settings),
                reuse_port=True,
            )
            await site.start()
            await _told_to_stop(lifeline)
        finally:
            await runner.cleanup()
            passwords.close()
            await ledger.close()

    return _run_process(loaded, "panel", show())


def _run_process(loaded: Loaded, name: str, main: Coroutine[Any, Any, None]) -> int:
    writer = LineWriter()
    log = loaded.settings.log
    configure(log.format, log.level, writer, process=name)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(main)
    except Exception:
        structlog.get_logger().exception("process hit a fault")
        return 1
    finally:
        writer.close()
    return 0


def _loop_factory() -> Any:
    """Return uvloop's loop where the extra is installed; None means asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _told_to_stop(lifeline: int) -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    loop.add_reader(lifeline, told.set)
    try:
        await told.wait()
    finally:
        loop.remove_reader(lifeline)


def _panel_tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.panel.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.panel.certificate, settings.panel.private_key)
    return context
